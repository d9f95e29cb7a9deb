"""Composition of an evaluation: cases from what was recorded, and a candidate from a configuration."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from connectors.arguments import parameters
from connectors.catalog import Catalog
from connectors.lint import close_match
from consumers.adapters.cassette_model import cassette
from consumers.adapters.kafka_reader import topic_reader
from consumers.adapters.kafka_steps import KafkaSteps
from consumers.adapters.own_messages import OWN_TENANT
from consumers.app import connections
from consumers.app.config_file import ConfigFile
from consumers.app.models import first_model
from consumers.app.personal_data import PersonalData
from consumers.app.privacy_keys import register
from consumers.app.resolve import resolve
from consumers.errors import ConfigurationError, DeadLetterError
from consumers.evaluation.case import Case
from consumers.evaluation.evaluate import CONCURRENCY, TRIAL_S, evaluate
from consumers.evaluation.recording import case_of
from consumers.evaluation.remembered import Remembered
from consumers.evaluation.report import Report
from consumers.evaluation.trial import Candidate
from consumers.ports.model import Model
from consumers.privacy.bodies import mapped
from consumers.privacy.register import Register
from consumers.replay.finding import Found
from consumers.replay.recorded_runs import RecordedRuns
from consumers.replay.selection import Selection
from consumers.router.route import Route, RouteTable
from consumers.run.record import envelope_body
from consumers.session.key import SessionKey
from consumers.telemetry.metrics import Metrics
from schemas.envelope import Envelope

Progress = Callable[[int, int], None]

MOST_CASES: Final = 1_000
"""Cases of recorded runs, unless more are asked for."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Cases of recorded runs.

    Attributes:
        cases: one for each finished run.
        skipped: records that have none, by why.
    """

    cases: Sequence[Case]
    skipped: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class How:
    """How cases are tried.

    Attributes:
        repeat: how often each.
        concurrency: trials at once.
        trial_s: how long one may take.
        cassette: a file of recorded answers, or None for the candidate's own model.
        record: whether that file is made, from the candidate's own model.
        ignore: `<action>.<argument>` of those whose values do not count, such as free text.
    """

    repeat: int = 1
    concurrency: int = CONCURRENCY
    trial_s: float = TRIAL_S
    cassette: Path | None = None
    record: bool = False
    ignore: frozenset[str] = frozenset()


async def recorded_cases(
    file: ConfigFile, selection: Selection, progress: Progress, *, most: int = MOST_CASES
) -> Recorded:
    """Make cases of the finished runs of a part of a topic. Kafka and Redis are read, and nothing is written.

    Where there is a `privacy.key`, cases have tokens in place of personal data, as journals do.

    Args:
        file: the configuration of the workers.
        selection: which records.
        progress: told records done and records in all.
        most: cases, which are all in memory.

    Raises:
        HaltError: the configuration is wrong, or the topic is no route's input.
        UnavailableError: Redis or Kafka is away.
    """
    config, known = file.config, register(file.config.privacy)
    async with AsyncExitStack() as stack:
        codec = connections.codec_of(config, stack)
        sessions = await connections.redis_sessions(config.redis, stack, name="pointsman-evaluate")
        connection = connections.kafka_connection(config.kafka)
        reader = await stack.enter_async_context(topic_reader(connection))
        runs = RecordedRuns(reader, codec, RouteTable(resolve(file).routes.values()), sessions)
        found = [each async for each in runs.read(selection, most, progress)]
        remembered = Remembered({SessionKey(event.tenant, event.session_id) for event, _, _ in found})
        steps = KafkaSteps(connection, config.kafka.steps_topic, codec, OWN_TENANT)
        if found and (extents := await steps.extents()):
            async for one in steps.read(extents):
                if one.step is not None:
                    remembered.take(one.step)
    made: list[Case] = []
    for each in found:
        if (case := _case(each, remembered, known)) is None:
            runs.skipped["with personal data that no token can stand for"] += 1
        else:
            made.append(case)
    return Recorded(made, runs.skipped)


async def evaluated(
    file: ConfigFile, recorded: Recorded, how: How, *, model: str | None = None, progress: Progress
) -> Report:
    """Try cases with the candidate that a configuration describes. Nothing is called but its model.

    Args:
        file: the candidate's configuration.
        recorded: the cases, one at least.
        how: how they are tried.
        model: name of the model instead of the configuration's.
        progress: told trials done and trials in all.

    Raises:
        ConfigurationError: the configuration is wrong, or the cassette cannot be played.
    """
    if model is not None:
        if file.config.model is None:
            raise ConfigurationError(
                f"--model {model}: the configuration has no section `model` to name it in"
            )
        named = file.config.model.model_copy(update={"name": model, "label": None})
        file = replace(file, config=file.config.model_copy(update={"model": named}))
    async with _candidate(file, how) as candidate:
        cases = await evaluate(
            recorded.cases,
            candidate,
            repeat=how.repeat,
            concurrency=how.concurrency,
            trial_s=how.trial_s,
            progress=progress,
        )
    return Report(candidate.name, cases, recorded.skipped)


@asynccontextmanager
async def _candidate(file: ConfigFile, how: How) -> AsyncGenerator[Candidate]:
    resolved = resolve(file)
    for ignored in sorted(how.ignore):
        refuse_unknown_argument(ignored, resolved.catalog)

    def made(chooses: Model) -> Candidate:
        return Candidate(
            file.config.model.name if file.config.model else "no model",
            resolved.routes,
            resolved.catalog,
            chooses,
            ignored=how.ignore,
        )

    if how.cassette and not how.record:
        with cassette(how.cassette) as played:
            yield made(played)
        return
    async with AsyncExitStack() as stack:
        # Alone: answers of another model that stood in would say nothing of this one.
        real = first_model(file.config.model, Metrics())
        stack.push_async_callback(real.aclose)
        asked = stack.enter_context(cassette(how.cassette, record=real)) if how.cassette else real
        yield made(asked)


def refuse_unknown_argument(name: str, catalog: Catalog) -> None:
    """Look that there is such an argument as `<action>.<argument>`: a misspelt one would be compared in silence.

    Raises:
        ConfigurationError: there is none.
    """
    known = [
        f"{each.name}.{field}" for each in catalog.actions.values() for field in parameters(each.arguments)
    ]
    if name not in known:
        hint = close_match(name, known) or " Write ACTION.ARGUMENT, such as crm.add_case_note.text"
        raise ConfigurationError(f"--ignore: no action has the argument {name}.{hint}")


def _case(found: Found, remembered: Remembered, known: Register | None) -> Case | None:
    event, route, entries = found
    try:
        body = _sealed(event, route, known)
    except DeadLetterError:
        return None
    return case_of(route.topic, body, entries, remembered.before(event.run_id))


def _sealed(event: Envelope, route: Route, known: Register | None) -> dict[str, Any]:
    """Return an event as its journal would have it, with the tokens that its journal has for the same values.

    Raises:
        DeadLetterError: it cannot be: a worker would have refused it likewise.
    """
    with PersonalData(known).of_event(event, route):
        body = envelope_body(event)
        return body if known is None else mapped(body, known.of(event.run_id).seal)
