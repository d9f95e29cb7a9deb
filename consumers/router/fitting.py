"""A prompt within its budget: what is left out first, and what never is. Pure.

Left out first is what the session remembers (half of it, three quarters, all), then results of earlier turns, the oldest
first, then documents, the last one first. Never the event, the goal and rules, the actions, nor what the last turn gave.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from consumers.router.exchange import Message
from consumers.router.prompt import Opening, Turn, build, opening
from consumers.router.route import Route
from consumers.session.context import Context
from consumers.session.summary import BYTES_PER_TOKEN
from schemas.envelope import Envelope

SESSION: Final = "session"
RESULTS: Final = "results"
DOCUMENTS: Final = "documents"

_SMALL_BYTES: Final = 300
"""A result that is not longer stays: the note in its place would hardly be shorter."""


class PromptBudgetError(Exception):
    """What is never left out is more than the budget."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prompt that fits.

    Attributes:
        messages: for the model.
        version: names what the route says, see `Opening`.
        left_out: what is not whole in it.
    """

    messages: Sequence[Message]
    version: str
    left_out: tuple[str, ...] = ()


def fitted(
    whole: Opening,
    turns: Sequence[Turn],
    tools: Sequence[Mapping[str, Any]],
    *,
    route: Route,
    event: Envelope,
    context: Context,
) -> Fitted:
    """Return the prompt of the next turn within `route.budget.prompt_tokens`; the same arguments give the same bytes.

    Args:
        whole: `opening` of the others.
        turns: the run so far.
        tools: what is shown of the actions.
        route: says what is shown and the budget.
        event: what happened.
        context: what the session remembers.

    Raises:
        PromptBudgetError: it does not fit.
    """
    room = route.budget.prompt_tokens * BYTES_PER_TOKEN - len(orjson.dumps(tools))
    needed = 0
    for begin, shown, left_out in _shorter(whole, turns, route, event, context):
        messages = build(begin.messages, shown)
        needed = sum(map(_bytes, messages))
        if needed <= room:
            return Fitted(messages, whole.version, left_out)
    tokens = -(-(needed - room) // BYTES_PER_TOKEN)
    raise PromptBudgetError(
        f"The prompt is about {tokens} tokens longer than the budget of {route.budget.prompt_tokens} prompt_tokens, with "
        f"nothing but the event, the goal, the actions and the last results"
    )


def _shorter(
    whole: Opening, turns: Sequence[Turn], route: Route, event: Envelope, context: Context
) -> Iterator[tuple[Opening, Sequence[Turn], tuple[str, ...]]]:
    """Yield the prompt whole, then shorter and shorter."""
    yield whole, turns, ()
    begin, shown, left_out = whole, list(turns), tuple[str, ...]()
    tokens = route.session_tokens
    if tokens and not context.is_empty:
        left_out = (SESSION,)
        for fewer in (tokens // 2, tokens // 4, 0):
            begin = opening(route, event, context, session_tokens=fewer)
            yield begin, shown, left_out
        tokens = 0
    for number, turn in enumerate(shown[:-1]):
        for place, answer in enumerate(turn.answers):
            if len(orjson.dumps(answer)) > _SMALL_BYTES:
                left_out = left_out if RESULTS in left_out else (*left_out, RESULTS)
                shown[number] = _without(shown[number], place)
                yield begin, shown, left_out
    for count in reversed(range(len(route.documents))):
        left_out = left_out if DOCUMENTS in left_out else (*left_out, DOCUMENTS)
        begin = opening(route, event, context, session_tokens=tokens, documents=count)
        yield begin, shown, left_out


def _without(turn: Turn, place: int) -> Turn:
    answers = list(turn.answers)
    size = len(orjson.dumps(answers[place]))
    note = f"{size} bytes, left out here to keep the prompt short; call it again if you need it"
    answers[place] = {"ok": answers[place].get("ok", False), "left_out": note}
    return replace(turn, answers=tuple(answers))


def _bytes(message: Message) -> int:
    """Return about how much a message adds: its texts, without the names around them."""
    size = len((message.get("content") or "").encode())
    for call in message.get("tool_calls", ()):
        size += len(call["function"]["name"]) + len(call["function"]["arguments"].encode())
    return size
