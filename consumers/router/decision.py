"""From the model's raw reply to a decision whose every argument is validated.

How each kind of bad answer is treated:

* what is wrong with an answer as a whole: see `consumers.router.unusable`; a repair;
* arguments that are not JSON, have duplicate keys, or do not fit the action's schema; an action that is unknown, or allowed
  but not shown; a second finish: that call carries a problem, none of the turn's calls is performed, the model is told (a
  repair);
* the same write with the same arguments twice in one answer: a repair. Whoever means both does the other one in a later
  answer, when the first is done; whoever stuttered does not do a thing twice;
* no call at all but text: the model is done, the text is its summary.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from connectors.words import likeness
from consumers.router.exchange import Reply, ToolCall
from consumers.router.finder import FIND, Offer
from consumers.router.unusable import MAX_CALLS, is_too_long, problem_of
from schemas.canonical import canonical_json
from schemas.codec.json import read_object
from schemas.errors import UnreadableError

FINISH = "finish"
"""Name of the tool with which the model ends a run."""

_UNKNOWN_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9_-]")
_NAME_LIMIT: Final = 64
"""An unknown name is told back with the next prompt, and APIs refuse a prompt with others."""
_FIELD_LIMIT: Final = 200
"""Of the name of a field, and of what is wrong with it; the model invents names as well."""

FinishStatus = Literal["completed", "refused", "failed"]
_LISTED: Final = 15
"""Names that a repair lists; of more, only the nearest."""
_NEAREST: Final = 5
_ALIKE: Final = 0.4
"""From which likeness on a name is one of the nearest."""


class Finish(BaseModel):
    """Arguments of the finish tool."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: FinishStatus
    summary: str


FINISH_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": FINISH,
        "description": (
            "End the run once nothing more is to be done. completed: the goal is reached. "
            "refused: a business reason forbids it. failed: it could not be done."
        ),
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {
                "status": {"type": "string", "enum": ["completed", "refused", "failed"]},
                "summary": {"type": "string", "description": "One or two sentences for a business reader."},
            },
            "required": ["status", "summary"],
            "additionalProperties": False,
        },
    },
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """One call of a decision: either valid, or with a problem."""

    id: str
    action: str
    arguments: dict[str, Any]
    problem: str | None = None

    def body(self) -> dict[str, Any]:
        """Return it as a journal has it."""
        return {"id": self.id, "action": self.action, "arguments": self.arguments, "problem": self.problem}


@dataclass(frozen=True, slots=True)
class Decision:
    """What the model chose in one turn.

    Attributes:
        calls: the chosen actions, in its order.
        finish: how it ended the run, or None while it wants to go on.
        problem: what was wrong with the answer as a whole, or None.
        text: what it said beside its calls.
    """

    calls: tuple[Chosen, ...]
    finish: Finish | None
    problem: str | None
    text: str

    @property
    def needs_repair(self) -> bool:
        """Whether the model must be told to answer again; nothing of such a turn is performed."""
        return self.problem is not None or any(call.problem for call in self.calls)

    def body(self) -> dict[str, Any]:
        """Return it as a journal has it."""
        return {
            "calls": [call.body() for call in self.calls],
            "finish": self.finish.model_dump() if self.finish else None,
            "problem": self.problem,
            "text": self.text,
        }

    @classmethod
    def of_body(cls, body: Mapping[str, Any]) -> "Decision":
        """Read what `body` returned."""
        return cls(
            calls=tuple(Chosen(**call) for call in body["calls"]),
            finish=Finish(**body["finish"]) if body["finish"] else None,
            problem=body["problem"],
            text=body["text"],
        )


def decide(
    reply: Reply,
    actions: Mapping[str, Offer],
    *,
    hidden: Collection[str] = (),
    calls_left: int = MAX_CALLS,
) -> Decision:
    """Check a reply against what the model was offered.

    Args:
        reply: what the model answered.
        actions: what it was offered, by the name the model API knows it by (`Action.tool_name`).
        hidden: such names of actions that the route allows and the model was not shown.
        calls_left: how many actions the run's budget has left.
    """
    finishes = sum(call.name == FINISH for call in reply.calls)
    if problem := problem_of(reply, min(MAX_CALLS, calls_left + finishes)):
        return _broken(reply, problem)
    if not reply.calls:
        return Decision((), Finish(status="completed", summary=reply.text.strip()), None, reply.text)
    finish: Finish | None = None
    chosen: list[Chosen] = []
    writes: set[tuple[str, bytes]] = set()
    for call in reply.calls:
        if call.name != FINISH:
            chosen.append(_told_apart(_choose(call, actions, hidden), actions.get(call.name), writes))
            continue
        parsed = _finish(call)
        if isinstance(parsed, Finish) and finish is None:
            finish = parsed
        elif isinstance(parsed, Finish):
            chosen.append(Chosen(call.id, FINISH, {}, "finish is called twice in one answer; call it once"))
        else:
            chosen.append(parsed)
    return Decision(tuple(chosen), finish, None, reply.text)


def _broken(reply: Reply, problem: str) -> Decision:
    return Decision((), None, problem, "" if is_too_long(reply) else reply.text)


def _told_apart(chosen: Chosen, action: Offer | None, writes: set[tuple[str, bytes]]) -> Chosen:
    """Return the call, with a problem where it repeats one of these writes; a read may be repeated."""
    if action is None or action.effect == "read" or chosen.problem:
        return chosen
    what = (action.name, canonical_json(chosen.arguments))
    if what in writes:
        why = f"{action.name} is called twice with these arguments in one answer; if both are meant, do one in a later answer"
        return replace(chosen, problem=why)
    writes.add(what)
    return chosen


def _choose(call: ToolCall, actions: Mapping[str, Offer], hidden: Collection[str]) -> Chosen:
    action = actions.get(call.name)
    if action is None:
        name = _UNKNOWN_IN_A_NAME.sub("_", call.name)[:_NAME_LIMIT] or "_"
        return Chosen(call.id, name, {}, _unknown(name, actions, hidden))
    if call.problem:
        return Chosen(call.id, action.name, {}, f"arguments of {call.name}: {call.problem}")
    try:
        raw = read_object((call.arguments or "{}").encode(errors="replace"))
        arguments = action.arguments.model_validate(raw).model_dump(mode="json")
    except ValidationError as error:
        return Chosen(call.id, action.name, {}, f"arguments of {call.name}: {explain(error)}")
    except UnreadableError as error:
        return Chosen(call.id, action.name, {}, f"arguments of {call.name} are not usable JSON: {error}")
    return Chosen(call.id, action.name, arguments)


def _unknown(name: str, actions: Iterable[str], hidden: Collection[str]) -> str:
    """Say what to call instead. A name that was guessed right is not called either: what it takes was not shown."""
    if name in hidden:
        return f"{name} was not shown to you; look for it with {FIND}, then call it"
    known = sorted((*actions, *hidden))
    if len(known) <= _LISTED + 1:
        return f"there is no action {name!r}; the actions are {', '.join(known)}"
    # Not by edit distance: among a thousand names it would take as long as the rest of a turn.
    alike = sorted((-likeness(name, other), other) for other in known)[:_NEAREST]
    if near := ", ".join(other for less, other in alike if -less >= _ALIKE):
        return f"there is no action {name!r}; the nearest are {near}"
    return f"there is no action {name!r}; call one that you were shown" + (
        f", or look for one with {FIND}" if FIND in known else ""
    )


def _finish(call: ToolCall) -> Finish | Chosen:
    if call.problem:
        return Chosen(call.id, FINISH, {}, f"arguments of finish: {call.problem}")
    try:
        return Finish.model_validate(read_object((call.arguments or "{}").encode(errors="replace")))
    except ValidationError as error:
        return Chosen(call.id, FINISH, {}, f"arguments of finish: {explain(error)}")
    except UnreadableError as error:
        return Chosen(call.id, FINISH, {}, f"arguments of finish are not usable JSON: {error}")


def explain(error: ValidationError) -> str:
    """Say in one line which fields are wrong and how, without repeating the values."""
    parts = (
        f"{'.'.join(map(str, e['loc']))[:_FIELD_LIMIT] or 'arguments'}: {e['msg'][:_FIELD_LIMIT]}"
        for e in error.errors(include_url=False, include_input=False)[:5]
    )
    return "; ".join(parts)
