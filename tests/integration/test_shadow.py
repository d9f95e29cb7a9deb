"""A replay in shadow mode of the demo's recorded story: it names what is decided otherwise, and touches nothing else."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from consumers.adapters.kafka_reader import topic_reader
from consumers.adapters.memory_jobs import MemoryJobs
from consumers.app.config_file import ConfigFile, read_config
from consumers.app.replay_shadow import Shadowed, run_shadow
from consumers.demo.stack import Stack
from consumers.errors import HaltError, RetryError
from consumers.offline.script_file import DEMO, load
from consumers.offline.server import serve
from consumers.replay.chosen import Chosen
from consumers.replay.job import Bounds, Job, Mode, new_id
from consumers.replay.pace import Pace
from schemas.codec.outgoing import own_message_of
from schemas.codec.records import RecordCodec
from schemas.difference import Difference, DifferenceVerdict
from schemas.registry.folder import FolderRegistry
from tests.integration.recorded_story import recorded_story, world

pytestmark = pytest.mark.timeout(120)

OTHER_QUANTITY = "quantity: =event.payload.quantity\n => quantity: =event.payload.quantity + 1\n"
TELLING = """text: >-
            ="Order " + event.payload.order_id + " of " + results["crm.get_customer"].name + " is "
            + results["erp.get_order"].status + "; the customer reported a " + event.payload.kind + "."
 => text: '="It says: " + event.payload.text'
"""
DIFFERENCES = "pointsman.differences"
ORDERS = {"lamps", "chairs", "desk", "tables", "racks"}
SAME, OTHER_WRITES = DifferenceVerdict.SAME, DifferenceVerdict.OTHER_WRITES


@dataclass(frozen=True)
class Recorded:
    """What was recorded, and a way to decide it afresh."""

    stack: Stack
    folder: Path
    codec: RecordCodec = field(default_factory=lambda: RecordCodec(FolderRegistry()))

    @asynccontextmanager
    async def candidate(
        self, *changes: str, sandbox: str = "http://127.0.0.1:1"
    ) -> AsyncGenerator[ConfigFile]:
        """The configuration with a model that plays a changed script; its connectors reach nothing unless they are told."""
        script = self.folder / "shadow-script.yaml"
        script.write_text(_changed(DEMO.read_text(), changes))
        async with await serve(load(script)) as model:
            config = self.folder / "shadow.yaml"
            text = self.stack.file.path.read_text().replace(self.stack.addresses.model, model.base_url)
            config.write_text(text.replace(self.stack.addresses.sandbox, sandbox))
            yield read_config(config)

    async def job(self, topic: str = "erp.orders", **fields: Any) -> Job:
        async with topic_reader(self.stack.connection) as reader:
            spans = {
                tp.partition: (span.first, span.end) for tp, span in (await reader.spans([topic])).items()
            }
        now = datetime.now(UTC)
        made = Job(new_id(now), Mode.SHADOW, topic, spans, Chosen(), None, "ann", now)
        return replace(made, **fields)

    async def differences(self, job: Job) -> list[Difference]:
        async with topic_reader(self.stack.connection) as reader:
            records = [record async for record in reader.to_end([DIFFERENCES])]
        found = [own_message_of(await self.codec.decode(record, tenant="t")) for record in records]
        return [each for each in found if isinstance(each, Difference) and each.job_id == job.id]


async def shadowed(
    file: ConfigFile,
    job: Job,
    *,
    stop: asyncio.Event | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    **how: Any,
) -> Shadowed:
    return await run_shadow(file, job, progress=progress, stop=stop or asyncio.Event(), pace=Pace(), **how)


@pytest.fixture(scope="module")
def runner() -> Generator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


@pytest.fixture(scope="module")
def recorded(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Generator[Recorded]:
    folder = tmp_path_factory.mktemp("story")
    story = recorded_story(folder)
    stack = runner.run(story.__aenter__())
    yield Recorded(stack, folder)
    runner.run(story.__aexit__(None, None, None))


def kept(redis: Mapping[bytes, bytes | None]) -> dict[bytes, bytes | None]:
    """Return all keys but those by which the worker found out what Redis can do, which go by themselves after a minute."""
    return {key: value for key, value in redis.items() if not key.startswith(b"pointsman:{probe}:")}


@pytest.fixture(autouse=True)
def nothing_else_is_touched(runner: asyncio.Runner, recorded: Recorded) -> Generator[None]:
    """Whatever is decided: nothing is published but differences, nothing is written to Redis or in any system."""
    before = runner.run(world(recorded.stack))
    yield
    after = runner.run(world(recorded.stack))
    topics = {name: count for name, count in after.topics.items() if name != DIFFERENCES}
    assert topics == {name: count for name, count in before.topics.items() if name != DIFFERENCES}
    assert kept(after.redis) == kept(before.redis)
    assert after.books == before.books


def changed(file: ConfigFile, section: str, **values: Any) -> ConfigFile:
    """Return a configuration with other values in a section."""
    made = getattr(file.config, section).model_copy(update=values)
    return replace(file, config=file.config.model_copy(update={section: made}))


def names(differences: list[Difference], *verdicts: DifferenceVerdict) -> set[str]:
    """Return the events of these verdicts, as the story names them."""
    return {each.event_id.partition("-")[0] for each in differences if each.verdict in verdicts}


def test_the_same_model_makes_no_difference(runner: asyncio.Runner, recorded: Recorded) -> None:
    async def decided() -> tuple[Shadowed, list[Difference], list[tuple[int, int]]]:
        told: list[tuple[int, int]] = []
        async with recorded.candidate() as file:
            job = await recorded.job()
            done = await shadowed(file, job, progress=lambda done, total: told.append((done, total)))
        return done, await recorded.differences(job), told

    done, differences, told = runner.run(decided())
    assert names(differences, SAME) == ORDERS
    assert len(differences) == 5
    assert done.tally == {"same": 5, "skipped: delivered more than once": 1, "skipped: unreadable": 1}
    assert told[-1] == (7, 7)
    assert done.found.verdicts == {"same": 5}
    assert done.found.recorded.turns == done.found.afresh.turns > 10
    for each in differences:
        assert each.recorded == replace(each.afresh, summary=each.recorded.summary) if each.afresh else False


def test_another_quantity_is_named_wherever_there_is_one(runner: asyncio.Runner, recorded: Recorded) -> None:
    async def decided() -> tuple[Shadowed, list[Difference]]:
        async with recorded.candidate(OTHER_QUANTITY) as file:
            job = await recorded.job()
            return await shadowed(file, job), await recorded.differences(job)

    done, differences = runner.run(decided())
    assert names(differences, OTHER_WRITES) == {"lamps", "chairs", "tables", "racks"}
    assert names(differences, SAME) == {"desk"}  # refused before
    (lamps,) = (each for each in differences if each.event_id.startswith("lamps"))
    assert lamps.differences[0].kind == "other arguments"
    assert lamps.afresh
    assert (
        lamps.recorded.effects[0].arguments["quantity"] + 1 == lamps.afresh.effects[0].arguments["quantity"]
    )
    assert done.found.kinds["other arguments"] == 4
    assert len(done.found.worst) == 4
    assert [each.score for each in done.found.worst] == sorted(each.score for each in done.found.worst)


def test_live_reads_say_where_the_world_has_moved_and_no_write_reaches_a_system(
    runner: asyncio.Runner, recorded: Recorded
) -> None:
    async def decided() -> tuple[Shadowed, list[Difference]]:
        async with recorded.candidate(sandbox=recorded.stack.addresses.sandbox) as file:
            job = await recorded.job()
            return await shadowed(file, job, reads="live"), await recorded.differences(job)

    done, differences = runner.run(decided())
    assert {each.reads for each in differences} == {"live"}
    moved = {each.event_id.partition("-")[0]: each.moved for each in differences if each.moved}
    assert moved["lamps"][0].startswith('erp.check_stock("product_id":"P-100"): available ')
    assert done.found.moved == len(moved)


def test_a_system_that_does_not_answer_makes_a_run_incomparable(
    runner: asyncio.Runner, recorded: Recorded
) -> None:
    async def decided() -> list[Difference]:
        async with recorded.candidate() as file:  # where nobody listens
            job = await recorded.job(chosen=Chosen(statuses=frozenset({"refused"})))
            await shadowed(file, job, reads="live")
            return await recorded.differences(job)

    (only,) = runner.run(decided())
    assert only.verdict is DifferenceVerdict.INCOMPARABLE
    assert only.reason.startswith("a system did not answer: crm.get_customer")


def test_only_what_is_chosen_is_decided(runner: asyncio.Runner, recorded: Recorded) -> None:
    async def decided(chosen: Chosen) -> tuple[Shadowed, list[Difference]]:
        async with recorded.candidate() as file:
            job = await recorded.job(chosen=chosen)
            return await shadowed(file, job), await recorded.differences(job)

    done, differences = runner.run(decided(Chosen(sessions=frozenset({"C-200"}))))
    assert {each.session_id for each in differences} == {"C-200"}
    assert (
        done.tally["skipped: not chosen"]
        == 7 - 1 - len(differences) - done.tally["skipped: delivered more than once"]
    )
    done, differences = runner.run(decided(Chosen(statuses=frozenset({"refused"}))))
    assert names(differences, SAME) == {"desk"}


def test_a_job_that_is_stopped_goes_on_where_it_stopped(runner: asyncio.Runner, recorded: Recorded) -> None:
    async def decided() -> tuple[Shadowed, Shadowed, list[Difference], list[int]]:
        stop, told = asyncio.Event(), list[int]()

        def progress(done: int, total: int) -> None:
            assert total == 7
            if done >= 3:
                stop.set()

        async with recorded.candidate() as file:
            job = await recorded.job()
            first = await shadowed(file, job, stop=stop, progress=progress, at_once=1)
            before = len(await recorded.differences(job))
            last = await shadowed(file, job, progress=lambda done, _total: told.append(done))
            assert before < 5
            return first, last, await recorded.differences(job), told

    first, last, differences, told = runner.run(decided())
    assert sum(first.tally.values()) == told[0] < 7
    assert Counter(each.event_id for each in differences).most_common(1)[0][1] == 1
    assert names(differences, SAME) == ORDERS
    assert last.tally["same"] == 5
    assert sum(last.tally.values()) == told[-1] == 7
    assert last.found.verdicts == {"same": 5}


def test_a_job_that_is_cut_off_goes_on_and_counts_each_run_once(
    runner: asyncio.Runner, recorded: Recorded
) -> None:
    async def decided() -> tuple[Shadowed, list[Difference]]:
        async with recorded.candidate() as file:
            job = await recorded.job()
            for _ in range(4):  # nothing is committed in order: the task is gone
                reached = asyncio.Event()

                def progress(done: int, _total: int, reached: asyncio.Event = reached) -> None:
                    if done >= 2:
                        reached.set()

                task = asyncio.create_task(shadowed(file, job, progress=progress, at_once=2))
                await asyncio.wait(
                    [task, asyncio.create_task(reached.wait())], return_when=asyncio.FIRST_COMPLETED
                )
                task.cancel()
                await asyncio.wait([task])
            return await shadowed(file, job), await recorded.differences(job)

    done, differences = runner.run(decided())
    assert len({each.id for each in differences}) == 5
    assert done.found.verdicts == {"same": 5}
    assert done.tally["same"] == 5


@pytest.mark.timeout(300)  # a process takes long to begin on a busy machine
def test_a_job_that_is_killed_again_and_again_says_the_same_as_one_that_was_not(
    runner: asyncio.Runner, recorded: Recorded
) -> None:
    async def killed(file: ConfigFile, job: Job, at: int | None) -> int:
        """Run it in a process of its own until it has come so far; return the exit code."""
        order = recorded.folder / "job.json"
        order.write_bytes(orjson.dumps(job.document()))
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.integration.shadow_program", str(file.path), str(order)),
            stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        assert program.stdout
        async with asyncio.timeout(120):
            async for line in program.stdout:
                if at is not None and int(line.split()[0]) >= at:
                    program.kill()
            return await program.wait()

    async def decided() -> tuple[list[Difference], list[Difference], Shadowed]:
        async with recorded.candidate(OTHER_QUANTITY) as file:
            whole, job = await recorded.job(), await recorded.job()
            await shadowed(file, whole)
            for at in (0, 2, 4):
                assert await killed(file, job, at) == -9
            assert await killed(file, job, None) == 0
            again = await shadowed(file, job)  # nothing is left: it says what there is
            return await recorded.differences(whole), await recorded.differences(job), again

    whole, killed_ones, again = runner.run(decided())
    once = {each.id: each for each in killed_ones}
    assert sorted(map(_said, once.values())) == sorted(map(_said, whole))
    assert again.tally == {
        "other_writes": 4,
        "same": 1,
        "skipped: delivered more than once": 1,
        "skipped: unreadable": 1,
    }
    assert again.found.verdicts == {"same": 1, "other_writes": 4}


def _said(difference: Difference) -> str:
    """Return what a difference says of a run, whichever job found it and when."""
    return str(replace(difference, id="", job_id="", decided_at=difference.decided_at.min))


def test_a_bound_of_dollars_ends_a_job_and_what_is_finished_stays(
    runner: asyncio.Runner, recorded: Recorded
) -> None:
    async def decided() -> tuple[int, int, dict[str, int]]:
        jobs = MemoryJobs()
        async with recorded.candidate() as file:
            job = await recorded.job(bounds=Bounds(usd=0.004))
            first = await shadowed(file, job, jobs=jobs, at_once=1)
            again = await shadowed(file, job, jobs=jobs, at_once=1)
            for done in (first, again):
                assert "the job's bound of $0.00 is reached" in done.bound
                assert done.found.verdicts == {"same": done.tally["same"]}
            return first.tally["same"], len(await recorded.differences(job)), dict(await jobs.used(job.id))

    before, after, used = runner.run(decided())
    assert 0 < before == after < 5
    assert 4_000 <= used["usd"] < 8_000


def test_a_model_that_is_away_ends_a_job_in_order_and_it_goes_on_once_the_model_is_back(
    runner: asyncio.Runner, recorded: Recorded
) -> None:
    async def decided() -> tuple[int, Shadowed]:
        async with recorded.candidate() as file:
            job = await recorded.job()
            impatient = changed(file, "limits", retry_total_s=2.0)
            assert impatient.config.model is not None
            nowhere = changed(impatient, "model", base_url="http://127.0.0.1:1/v1", retries=0)
            with pytest.raises(RetryError):
                await shadowed(nowhere, job, at_once=2)
            before = len(await recorded.differences(job))
            return before, await shadowed(file, job)

    before, done = runner.run(decided())
    assert before == 0
    assert done.found.verdicts == {"same": 5}
    assert done.tally == {"same": 5, "skipped: delivered more than once": 1, "skipped: unreadable": 1}


def test_what_a_tenant_may_spend_a_day_holds_for_shadow_as_well(
    runner: asyncio.Runner, recorded: Recorded
) -> None:
    async def decided() -> tuple[int, list[bytes]]:
        async with recorded.candidate() as file:
            job = await recorded.job()
            limited = changed(file, "limits", retry_total_s=1.0, tenant_usd_per_day=0.004)
            with pytest.raises(RetryError, match="has spent"):
                await shadowed(limited, job, at_once=1)
        async with Redis.from_url(recorded.stack.addresses.redis) as redis:
            keys = [key async for key in redis.scan_iter("*:spent:*")]
            await redis.delete(*keys)
        return len(await recorded.differences(job)), keys

    decided_before, keys = runner.run(decided())
    assert 0 < decided_before < 5
    assert len(keys) == 1  # the one thing of the live store that a shadow replay may add to


def test_differences_go_to_no_topic_of_something_else(runner: asyncio.Runner, recorded: Recorded) -> None:
    async def refused(topic: str) -> None:
        async with recorded.candidate() as file:
            with pytest.raises(HaltError, match="a topic of something else"):
                await shadowed(file, await recorded.job(output=topic))

    for topic in ("pointsman.outcomes", "erp.orders", "pointsman.steps"):
        runner.run(refused(topic))


def test_a_bound_without_anybody_who_counts_is_refused(runner: asyncio.Runner, recorded: Recorded) -> None:
    async def refused() -> None:
        async with recorded.candidate() as file:
            with pytest.raises(HaltError, match="nothing that counts them"):
                await shadowed(file, await recorded.job(bounds=Bounds(usd=1.0)))

    runner.run(refused())


def test_personal_data_are_tokens_in_what_is_published(
    runner: asyncio.Runner, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRIVACY_KEY", "a key that is as long as a key has to be")

    async def decided() -> tuple[Difference, Difference]:
        async with recorded.candidate(TELLING) as file:
            private = recorded.folder / "private-shadow.yaml"
            text = _changed(file.path.read_text(), ("show_personal: [note] => ", "show_personal: [text] => "))
            private.write_text(f"{text}\nprivacy:\n  key: {{env: PRIVACY_KEY}}\n")
            found: list[Difference] = []
            for each in (file, read_config(private)):
                job = await recorded.job("crm.cases")
                await shadowed(each, job)
                found += await recorded.differences(job)
            return found[0], found[1]

    plain, private = runner.run(decided())
    said = "One of the two lamps"
    assert (plain.verdict, private.verdict) == (OTHER_WRITES, OTHER_WRITES)
    assert plain.afresh
    assert said in plain.afresh.effects[0].arguments["text"]
    assert said in plain.differences[0].words
    assert said not in str(private)
    assert private.afresh
    assert private.afresh.effects[0].arguments["text"].startswith("It says: pii_text_")
    assert "pii_text_" in private.differences[0].words


def _changed(text: str, changes: tuple[str, ...]) -> str:
    for change in changes:
        old, _, new = change.partition(" => ")
        assert old in text, old
        text = text.replace(old, new)
    return text
