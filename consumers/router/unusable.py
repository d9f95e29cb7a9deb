"""What makes an answer unusable as a whole, before any call of it is looked at. Pure.

| the answer                                                        | what the model is told        |
|-------------------------------------------------------------------|-------------------------------|
| ended at the output limit, or because the endpoint gave up        | to answer shorter             |
| was refused, by the model or by the endpoint's filter             | that it was                   |
| is longer than 65,536 characters, names and arguments included    | to answer shorter             |
| has more than 16 calls, or more than the run's budget has left    | how many are allowed          |
| has two calls of one id                                           | so                            |
| has no call, and no text with a letter or digit in it             | to call something             |
| has no call, and ended for a reason that nobody knows             | to call finish if it is done  |

Each is a repair; nothing of the answer is kept but its text, and of one that is too long not even that.
"""

from typing import Final

from consumers.router.exchange import Reply

MAX_CALLS: Final = 16
"""Calls one turn may hold; an answer with more is a repair."""
MAX_CHARACTERS: Final = 65_536
"""Of an answer. A longer one would fill the run's journal, and come back with each further prompt."""

_CUT_OFF: Final = "length"
_REFUSED: Final = "content_filter"
_DONE: Final = frozenset(
    {"stop", "tool_calls", "function_call", "end_turn", "tool_use", "stop_sequence", "eos_token"}
)
"""Reasons with which endpoints say that the model said all it wanted to."""


def is_too_long(reply: Reply) -> bool:
    """Whether it must not be kept."""
    said = sum(len(call.name) + len(call.arguments) for call in reply.calls)
    return len(reply.text) + said > MAX_CHARACTERS


def problem_of(reply: Reply, most_calls: int) -> str | None:
    """Return what is wrong with the answer, in words for the model, or None."""
    if reply.finish_reason == _CUT_OFF:
        return "the answer was cut off before its end; answer shorter"
    if reply.finish_reason == _REFUSED:
        return "the endpoint's content filter or the model refused to answer"
    if is_too_long(reply):
        return f"the answer is longer than {MAX_CHARACTERS} characters; answer shorter"
    if len(reply.calls) > most_calls:
        return f"{len(reply.calls)} calls in one answer; at most {most_calls} are allowed"
    if len({call.id for call in reply.calls}) != len(reply.calls):
        return "two calls share one id"
    if reply.calls:
        return None
    if not any(character.isalnum() for character in reply.text):
        return "the answer is empty; call an action or finish"
    if reply.finish_reason not in _DONE:
        return "it is unknown whether the answer is whole; call finish if nothing more is to be done"
    return None
