"""From the model's raw reply to a decision whose every argument is validated.

How each kind of bad answer is treated:

* arguments that are not JSON, have duplicate keys, or do not fit the action's schema; an action that is unknown,
  or allowed but not shown: that call carries a problem, none of the turn's calls is performed, the model is told
  (a repair);
* no call at all but text: the model is done, the text is its summary;
* an empty, refused or cut-off answer: a repair.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from connectors.words import likeness
from consumers.router.exchange import Reply, ToolCall
from consumers.router.finder import FIND, Offer
from schemas.codec.json import read_object
from schemas.errors import UnreadableError

FINISH = "finish"
"""Name of the tool with which the model ends a run."""

FinishStatus = Literal["completed", "refused", "failed"]
MAX_CALLS = 16
"""Calls one turn may hold; an answer with more is a repair."""
_LISTED = 15
"""Names that a repair lists; of more, only the nearest."""
_NEAREST = 5
_ALIKE = 0.4
"""From which likeness on a name is one of the nearest."""
_NAME_CHARS = 64
"""Characters of a called name that are compared and repeated; model APIs allow no longer ones."""


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


def decide(reply: Reply, actions: Mapping[str, Offer], hidden: Collection[str] = ()) -> Decision:
    """Check a reply against what the model was offered.

    Args:
        reply: what the model answered.
        actions: what it was offered, by the name the model API knows it by (`Action.tool_name`).
        hidden: such names of actions that the route allows and the model was not shown.
    """
    if reply.finish_reason == "length":
        return _broken(reply, "the answer was cut off at the output limit; answer shorter")
    if reply.finish_reason == "content_filter":
        return _broken(reply, "the endpoint's content filter refused the answer")
    if len(reply.calls) > MAX_CALLS:
        return _broken(reply, f"{len(reply.calls)} calls in one answer; at most {MAX_CALLS} are allowed")
    if len({call.id for call in reply.calls}) != len(reply.calls):
        return _broken(reply, "two calls share one id")
    if not reply.calls:
        if not reply.text.strip():
            return _broken(reply, "the answer is empty; call an action or finish")
        return Decision((), Finish(status="completed", summary=reply.text.strip()), None, reply.text)
    finish: Finish | None = None
    chosen: list[Chosen] = []
    for call in reply.calls:
        if call.name != FINISH:
            chosen.append(_choose(call, actions, hidden))
            continue
        parsed = _finish(call)
        if isinstance(parsed, Finish):
            finish = parsed
        else:
            chosen.append(parsed)
    return Decision(tuple(chosen), finish, None, reply.text)


def _broken(reply: Reply, problem: str) -> Decision:
    return Decision((), None, problem, reply.text)


def _choose(call: ToolCall, actions: Mapping[str, Offer], hidden: Collection[str]) -> Chosen:
    action = actions.get(call.name)
    if action is None:
        return Chosen(call.id, call.name, {}, _unknown(call.name, actions, hidden))
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
    said, known = name[:_NAME_CHARS], sorted((*actions, *hidden))
    if len(known) <= _LISTED + 1:
        return f"there is no action {said!r}; the actions are {', '.join(known)}"
    # Not by edit distance: among a thousand names it would take as long as the rest of a turn.
    alike = sorted((-likeness(said, other), other) for other in known)[:_NEAREST]
    if near := ", ".join(other for less, other in alike if -less >= _ALIKE):
        return f"there is no action {said!r}; the nearest are {near}"
    return f"there is no action {said!r}; call one that you were shown" + (
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
    parts = (f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in error.errors()[:5])
    return "; ".join(parts)
