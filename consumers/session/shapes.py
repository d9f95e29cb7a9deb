"""What each kind of journal entry must say, checked before anything is decided by it. Pure.

Entries stay what they are: nothing is converted, and what an entry says beyond this is left alone.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from consumers.session import place
from consumers.session.sound_outcome import is_sound
from consumers.session.stored import Body, DamagedError, Stored, problem_of
from schemas.outcome import Status


def checked(entries: Mapping[str, Body]) -> Mapping[str, Body]:
    """Return the entries of a journal.

    Raises:
        DamagedError: one of them lacks what an entry of its kind must say.
    """
    for at, body in entries.items():
        if problem := _problem(at, body):
            raise DamagedError(at, problem)
    return entries


def sorted_out(stored: Stored) -> Stored:
    """Return a journal with every entry that lacks something among the damaged ones."""
    problems = {at: problem for at, body in stored.entries.items() if (problem := _problem(at, body))}
    sound = {at: body for at, body in stored.entries.items() if at not in problems}
    return Stored(sound, {**stored.damaged, **problems})


def _problem(at: str, body: Body) -> str | None:
    if at == place.OUTCOME and is_sound(body):
        return None
    return problem_by_shape(at, body)


def problem_by_shape(at: str, body: Body) -> str | None:
    """Return what an entry lacks, or None; without a quick look at what is usual, which must say the same."""
    shape = _SHAPES.get(at.rpartition("/")[2])
    if shape is None:
        return None  # of a newer version: who does not know it does not ask for it
    try:
        shape.model_validate(body)
    except ValidationError as error:
        return problem_of(error)
    return None


def _with_zone(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a time without a zone")
    return text


_Time = Annotated[str, AfterValidator(_with_zone)]
_Status = Annotated[str, AfterValidator(Status)]
_Object = dict[str, Any]
ResultStatus = Literal["done", "failed", "denied", "skipped", "in_doubt"]
"""What a result may say."""
RESULT_STATUSES: Final = get_args(ResultStatus)


class _Entry(BaseModel):
    model_config = ConfigDict(strict=True)


class _Whole(BaseModel):
    """Read into a class of ours that knows these fields and no others."""

    model_config = ConfigDict(strict=True, extra="forbid")


class _Call(_Whole):
    id: str
    action: str
    arguments: _Object
    problem: str | None


class _Finish(_Whole):
    status: Literal["completed", "refused", "failed"]
    summary: str


class _Decision(_Entry):
    calls: list[_Call]
    finish: _Finish | None
    problem: str | None
    text: str
    deployment: str = ""
    input_tokens: int
    output_tokens: int
    cost_usd: float
    model: str = ""
    prompt: str = ""
    step: int | None = None
    started_at: _Time
    at: _Time
    shown: list[str] | None = None


class _ByState(_Entry):
    read: str
    field: str
    actions: dict[str, str | None]


class _UndoIntent(_Entry):
    action: str
    arguments: _Object
    key: str
    at: _Time


class _Judged(_Entry):
    """What the rules said; older entries of some kinds have none of it."""

    rule: str | None = None
    rules: list[str] = []


class _Intent(_UndoIntent, _Judged):
    compensate: str | _ByState | None


class _Result(_Judged):
    code: str = ""
    error: str = ""
    ms: int = 0
    status: ResultStatus
    at: _Time

    @model_validator(mode="before")
    @classmethod
    def _says_what_came_of_it(cls, body: Any) -> Any:
        needed = ["result"] if body.get("status") == "done" else ["code", "error"]
        if missing := [name for name in needed if name not in body]:
            raise ValueError(f"{missing[0]} is missing")
        return body


class _Question(_Entry):
    action: str
    description: str
    arguments: _Object
    reason: str
    compensation: str | None
    digest: str
    requested_at: _Time


class _Hold(_Question):
    rule: str
    rules: list[str] = []
    expires_at: _Time
    approvers: list[str] = []
    quorum: int = 1
    escalate_to: list[str] = []
    requester: str | None = None


class _Doubt(_Question):
    key: str


class _Answer(_Entry):
    answer: str
    approver: str
    comment: str
    at: _Time
    roles: list[str] = []
    key: str | None = None
    arguments: _Object | None = None


class _Cancel(_Entry):
    operator: str
    reason: str
    at: _Time


class _Ending(_Entry):
    status: _Status
    summary: str
    at: _Time


class _Event(_Whole):
    id: str
    type: str
    source: str
    time: _Time
    tenant: str
    session_id: str
    payload: _Object
    subject: str | None
    schema_: str | None = Field(alias="schema")
    traceparent: str | None
    round: int = 1
    route: str


class _ActionRecord(_Whole):
    action: str
    effect: str
    status: str
    arguments: _Object
    result: Any
    error: str | None


class _Outcome(_Whole):
    id: str
    run_id: str
    event_id: str
    event_type: str
    event_source: str
    tenant: str
    session_id: str
    route: str
    status: _Status
    summary: str
    actions: list[_ActionRecord]
    turns: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    started_at: _Time
    finished_at: _Time
    model: str | None = None
    prompt: str | None = None


_SHAPES: Final[Mapping[str, type[BaseModel]]] = {
    place.EVENT: _Event,
    "decision": _Decision,
    "intent": _Intent,
    "result": _Result,
    "hold": _Hold,
    "approval": _Answer,
    "doubt": _Doubt,
    "doubt.answer": _Answer,
    "undo.intent": _UndoIntent,
    "undo.result": _Result,
    place.ENDING: _Ending,
    place.OUTCOME: _Outcome,
    place.CANCEL: _Cancel,
}

KINDS: Final = frozenset(_SHAPES)
"""The kinds of entry that are checked."""
