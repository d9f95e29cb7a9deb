"""The performance: everything goes up, the story is played, the report is made, everything comes down."""

import asyncio
import signal
import sys
import time
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, nullcontext
from typing import Any, Final

import orjson
from rich.console import Console

from consumers.adapters import kafka_clients
from consumers.app import connections
from consumers.app.approver_keys import signer
from consumers.demo.board import Board, Published, Seen
from consumers.demo.feed import following
from consumers.demo.ledger import effects_since, facts, last_effect
from consumers.demo.options import DemoOptions, HostedModel, hosted_model
from consumers.demo.player import Pace, Played, Player
from consumers.demo.process_age import process_age_s
from consumers.demo.stack import Stack, running_stack
from consumers.demo.stage import LiveStage, PrintedStage, QuietStage, Stage, console_for_people
from consumers.demo.story import STORY
from consumers.demo.summary import addresses_page, opening_page, summary_page
from consumers.demo.verdicts import Report, judge
from consumers.errors import ConfigurationError, HaltError, PointsmanError

FAILED: Final = 1
MISUSED: Final = 2
INTERRUPTED: Final = 130
TERMINATED: Final = 143

_READING_S: Final = 0.6
_THINKING_S: Final = 1.5
_HOSTED_SCENE_S: Final = 180.0
_OFFLINE_SCENE_S: Final = 20.0


def run_demo(options: DemoOptions) -> int:
    """Play the demo from start to end and return the exit code.

    0: all came out as it must. 1: it did not, or something did not come up. 2: the options do not fit together.
    130, 143: it was interrupted or terminated. Whatever it started has ended by then.
    """
    console = Console(stderr=True, highlight=False) if options.json else console_for_people()
    try:
        hosted = hosted_model(options)
    except ConfigurationError as error:
        console.print(str(error), style="bold red")
        return MISUSED
    try:
        return _performed(options, hosted, console)
    except KeyboardInterrupt:
        console.print("\nInterrupted; everything that was started has ended.", style="dim")
        return INTERRUPTED
    except asyncio.CancelledError:
        return TERMINATED


def _performed(options: DemoOptions, hosted: HostedModel | None, console: Console) -> int:
    try:
        return asyncio.run(perform(options, hosted, console))
    except* PointsmanError as errors:
        for error in leaves(errors):
            console.print(f"The demo cannot go on: {error}", style="bold red", markup=False)
    return FAILED


async def perform(options: DemoOptions, hosted: HostedModel | None, console: Console) -> int:
    """Play the demo on a running event loop; see `run_demo`.

    Raises:
        PointsmanError: alone or in groups: something did not come up or broke.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    watched = options.live and not options.json and console.is_terminal
    pace = Pace(
        between_s=_READING_S if watched else 0.0,
        thinking_s=_THINKING_S if watched else 0.0,
        scene_s=_HOSTED_SCENE_S if hosted else _OFFLINE_SCENE_S,
    )
    if not options.json:
        console.print(opening_page(hosted))
    try:
        async with AsyncExitStack() as exits:
            with (
                console.status("Kafka, Redis, ERP, CRM, model and worker start …")
                if watched
                else nullcontext()
            ):
                stack = await exits.enter_async_context(running_stack(options, hosted, watched=watched))
            report = await _staged(stack, console, pace, watched=watched, quiet=options.json)
            if options.json:
                sys.stdout.write(orjson.dumps(report.body(), option=orjson.OPT_INDENT_2).decode() + "\n")
                sys.stdout.flush()
            else:
                console.print(summary_page(report))
            if options.keep:
                await _kept_up(stack, console)
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
    return 0 if report.ok else FAILED


async def _staged(stack: Stack, console: Console, pace: Pace, *, watched: bool, quiet: bool) -> Report:
    if quiet:
        return await tell(stack, QuietStage(), pace)
    if not watched:
        return await tell(stack, PrintedStage(console), pace)
    with LiveStage(console) as stage:
        return await tell(stack, stage, pace)


async def tell(stack: Stack, stage: Stage, pace: Pace) -> Report:
    """Play all scenes of the story on a stack and judge them.

    Raises:
        PointsmanError: a part of the stack ended meanwhile.
    """
    config = stack.file.config
    board = Board()
    first_outcome_s: list[float] = []

    def see(seen: Seen) -> None:
        if isinstance(seen, Published) and not first_outcome_s:
            first_outcome_s.append(process_age_s())
        board.add(seen)

    async with AsyncExitStack() as exits:
        codec = await connections.record_codec(config, exits)
        outbox = await connections.outbox(config, codec, exits)
        producer = kafka_clients.producer(stack.connection)
        await producer.start()
        exits.push_async_callback(kafka_clients.stop, producer)
        feed = await exits.enter_async_context(following(stack.connection, codec, see))
        before, began = last_effect(stack.database), time.monotonic()
        assert config.approvals.sign_with is not None
        signs = signer(config.approvals.sign_with)
        performance = f"{time.time_ns():x}"[-9:]
        player = Player(producer, codec, outbox, signs, board, stage, pace, performance=performance)
        played = await _unless_broken(_scenes(player), {feed, stack.worker})
        story_s = time.monotonic() - began
    return judge(
        played,
        board,
        effects_since(stack.database, before),
        lambda effects: facts(stack.database, effects),
        first_outcome_s=first_outcome_s[0] if first_outcome_s else 0.0,
        story_s=story_s,
    )


async def _scenes(player: Player) -> list[Played]:
    return [await player.play(number, scene) for number, scene in enumerate(STORY, start=1)]


async def _unless_broken(
    work: Coroutine[Any, Any, list[Played]], others: set[asyncio.Task[None]]
) -> list[Played]:
    """Return what the work returns, unless one of the others ends first: then its error is raised."""
    task = asyncio.create_task(work, name="story")
    try:
        done, _ = await asyncio.wait({task, *others}, return_when=asyncio.FIRST_COMPLETED)
        for ended in done & others:
            ended.result()
            raise HaltError(f"the {ended.get_name()} ended in the middle of the story")
        return task.result()
    finally:
        task.cancel()


async def _kept_up(stack: Stack, console: Console) -> None:
    """Print the addresses and wait for Ctrl-C, which is now the orderly end, or for the worker to break."""
    loop = asyncio.get_running_loop()
    interrupted = asyncio.Event()
    # Before the page invites people to press it.
    loop.add_signal_handler(signal.SIGINT, interrupted.set)
    console.print(addresses_page(stack))
    waiting = asyncio.create_task(interrupted.wait(), name="Ctrl-C")
    try:
        await asyncio.wait({waiting, stack.worker}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        loop.remove_signal_handler(signal.SIGINT)
    if stack.worker.done():
        stack.worker.result()


def leaves(group: BaseExceptionGroup[PointsmanError]) -> Iterator[PointsmanError]:
    """Yield the errors of a group and of the groups inside it."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from leaves(error)
        else:
            yield error
