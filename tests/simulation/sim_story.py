"""The story of a seed: events are published while workers crash, freeze, are cut off, stop and start."""

import asyncio
import random

from tests.simulation.fake_link import Link
from tests.simulation.sim_checks import Checks, ViolationError
from tests.simulation.sim_world import GROUP, INPUT, PARTITIONS, SimWorker, World
from tests.simulation.virtual_time import DeadlockError, run, unowned

KEYS = 7
CALM_S = 900.0


async def play(seed: int) -> Checks:
    """Play one seed to its end.

    Raises:
        ViolationError: something that must never be is.
    """
    world = World.made(seed)
    checks = Checks(world)
    try:
        for _ in range(world.rng.randint(1, 3)):
            world.start_worker()
        publishing = asyncio.create_task(_publish(world), name="publisher")
        for _ in range(world.rng.randint(0, 12)):
            await asyncio.sleep(world.rng.expovariate(1 / 8))
            _trouble(world)
            checks.raise_first()
        await publishing
        await _calm(world, checks)
        checks.at_the_end()
        await _stop_all(world, checks)
    finally:
        world.broker.close()
    return checks


def simulate(seed: int) -> Checks:
    """Play one seed in virtual time.

    Raises:
        ViolationError: with the seed, and how to play it again.
    """
    try:
        return run(play(seed), shuffle=random.Random(seed), horizon_s=7200)
    except (ViolationError, DeadlockError) as error:
        raise ViolationError(f"seed {seed}: {error}\nagain: make simulate SEED={seed}") from error


async def _publish(world: World) -> None:
    keys = [f"k{number}".encode() for number in range(KEYS)]
    for _ in range(world.rng.randint(5, 60)):
        await asyncio.sleep(world.rng.choice([0.0, 0.0, 0.1, 1.0, 3.0]))
        world.publish(None if world.rng.random() < 0.05 else world.rng.choice(keys))


def _trouble(world: World) -> None:
    rng = world.rng
    if not world.workers or rng.random() < 0.15:
        world.start_worker()
        return
    worker = rng.choice(list(world.workers.values()))
    match rng.choice(["crash", "crash", "freeze", "cut", "stop", "release", "mend"]):
        case "crash":
            _crash_at_a_call(world, worker)
        case "freeze":
            worker.link.freeze(rng.uniform(0.5, 60))
        case "cut":
            worker.link.cut(rng.uniform(0.1, 30))
        case "stop":
            worker.loop.stop()
            world.forget(worker)
            world.start_worker()
        case "release":
            world.release()
        case _:
            world.systems.mended = not world.systems.mended


def _crash_at_a_call(world: World, worker: SimWorker) -> None:
    """Kill a worker right before one of its next calls takes effect, or right after, and start another one."""
    left = world.rng.randint(1, 40)

    def strike(link: Link, _call: str) -> None:
        nonlocal left
        left -= 1
        if left == 0 and not link.is_dead:
            link.crash()
            world.forget(worker)
            asyncio.get_running_loop().call_later(
                world.rng.uniform(0, 5), world.start_worker, context=unowned()
            )

    if world.rng.random() < 0.5:
        worker.link.before = strike
    else:
        worker.link.after = strike


async def _calm(world: World, checks: Checks) -> None:
    """Let all trouble end, mend what is broken, release what is parked, and wait until nothing is left."""
    world.systems.mended = True
    for worker in world.workers.values():
        worker.link.disarm()
    if not world.workers:
        world.start_worker()
    deadline = asyncio.get_running_loop().time() + CALM_S
    while not _is_over(world):
        if asyncio.get_running_loop().time() > deadline:
            raise ViolationError(f"it does not come to an end: {_left(world)}; {world.died}")
        await asyncio.sleep(10)
        checks.raise_first()
        if not any(not worker.task.done() for worker in world.workers.values()):
            world.start_worker()
        world.release()


def _is_over(world: World) -> bool:
    return not _left(world)


def _left(world: World) -> list[str]:
    """Return what is not finished: partitions that are not committed to their end, keys that are parked."""
    left = [f"{key} is parked" for key in world.parked()]
    for number in range(PARTITIONS):
        log = world.broker.log(INPUT, number)
        at = world.broker.committed(GROUP, log.pid)
        if log.end and (at is None or at.next_offset < log.end):
            left.append(f"{log.pid} is committed to {at}, its end is {log.end}")
    return left


async def _stop_all(world: World, checks: Checks) -> None:
    """Stop the workers that are left; each ends in time, and none is missed."""
    workers = [worker for worker in world.workers.values() if not worker.link.is_dead]
    for worker in workers:
        worker.loop.stop()
    if workers:
        _, late = await asyncio.wait([worker.task for worker in workers], timeout=60)
        if late:
            raise ViolationError(f"{late} did not stop")
    checks.raise_first()
