"""A case: one event, what its systems answered, and what is expected of it. A file of cases has one a line, as JSON."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Literal

import orjson
from pydantic import AwareDatetime, ConfigDict, TypeAdapter, ValidationError

from consumers.session.stored import problem_of
from schemas.envelope import Envelope

State = Literal["done", "held", "undone", "in_doubt"]
"""What became of a write: it stands, it waits for a person, it was compensated, or nobody knows."""

_STRICT: Final = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Effect:
    """A write that was done or would have been."""

    __pydantic_config__: ClassVar = _STRICT

    action: str
    arguments: dict[str, Any]
    state: State = "done"


@dataclass(frozen=True, slots=True)
class RecordedResult:
    """What an action answered.

    Attributes:
        action: full name.
        arguments: what it was called with; None stands for any.
        status: whether it was done.
        result: what it returned, where it was done.
        code: why it failed, for machines.
        error: why it failed, in words.
    """

    __pydantic_config__: ClassVar = _STRICT

    action: str
    arguments: dict[str, Any] | None = None
    status: Literal["done", "failed"] = "done"
    result: Any = None
    code: str = "failed"
    error: str = ""


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """What a person said to a held action; `expired` and `escalated` where nobody said anything in time."""

    __pydantic_config__: ClassVar = _STRICT

    action: str
    arguments: dict[str, Any]
    answer: Literal["approve", "reject", "edit", "expired", "escalated"] = "approve"
    approver: str = "somebody"
    roles: tuple[str, ...] = ()
    comment: str = ""
    edited: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """What a candidate should do: these writes in this order, and how the run ends; None where that does not matter."""

    __pydantic_config__: ClassVar = _STRICT

    effects: tuple[Effect, ...] = ()
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run used.

    Attributes:
        model: who answered.
        prompt: version of the prompt that was shown.
        turns: answers of the model.
        reads: look-ups that were made.
        input_tokens: sent to the model.
        output_tokens: received from it.
        cost_usd: of both.
        model_s: seconds of each answer.
    """

    __pydantic_config__: ClassVar = _STRICT

    model: str = ""
    prompt: str = ""
    turns: int = 0
    reads: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    model_s: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """The event of a case; the tenant comes from the route. What has a default may be left out of a file."""

    __pydantic_config__: ClassVar = _STRICT

    type: str
    payload: dict[str, Any]
    id: str = ""
    source: str = "/cases"
    time: AwareDatetime = datetime(2026, 1, 1, tzinfo=UTC)
    session_id: str = ""
    subject: str | None = None
    schema: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One case.

    Attributes:
        id: unique in a file.
        topic: the event's; topic and type find the candidate's route.
        event: what is worked.
        expected: what should be done.
        results: what the systems answered then.
        answers: what people said then, in order.
        context: what the session remembered before the run, as it is stored; None for nothing.
        at: when the run began; rules see that time as `now`. The event's time where it is missing.
        recorded: what the recorded run used; None for a case that was written by hand.
    """

    __pydantic_config__: ClassVar = _STRICT

    id: str
    topic: str
    event: CaseEvent
    expected: Expected = Expected()
    results: tuple[RecordedResult, ...] = ()
    answers: tuple[RecordedAnswer, ...] = ()
    context: dict[str, Any] | None = None
    at: AwareDatetime | None = None
    recorded: Figures | None = None

    def envelope(self, tenant: str) -> Envelope:
        """Return the event as it is worked."""
        event = self.event
        return Envelope(
            id=event.id or self.id,
            type=event.type,
            source=event.source,
            time=event.time,
            tenant=tenant,
            session_id=event.session_id or self.id,
            payload=event.payload,
            subject=event.subject,
            schema=event.schema,
            traceparent=event.traceparent,
        )


class CaseFileError(ValueError):
    """A file of cases cannot be used; the message names the line and what is wrong with it."""


_CASE: Final = TypeAdapter(Case)


def read_cases(lines: Iterable[str]) -> list[Case]:
    """Read a file of cases; empty lines are left out.

    Raises:
        CaseFileError: a line is no case, two have one id, or there is none at all.
    """
    cases = list(_read(lines))
    if not cases:
        raise CaseFileError("it holds no case: an evaluation of nothing would always succeed")
    return cases


def line_of(case: Case) -> str:
    """Return a case as one line of a file, without its end.

    Names stay in their order: a prompt shows an event as it was published.
    """
    return orjson.dumps(_CASE.dump_python(case, mode="json", exclude_defaults=True)).decode()


def _read(lines: Iterable[str]) -> Iterator[Case]:
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            case = _CASE.validate_json(line)
        except ValidationError as error:
            raise CaseFileError(f"line {number}: {problem_of(error)}") from None
        before = seen.setdefault(case.id, number)
        if before != number:
            raise CaseFileError(f"line {number}: the id {case.id!r} is that of line {before}, too")
        yield case
