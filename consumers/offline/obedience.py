"""Obeying what others wrote: the attack that an engine must withstand, in a form that can be tested.

An instruction is text of the form `CALL <action> {json}` anywhere in the event's payload or in an answer to a
call. A model that obeys makes that call, offered or not, beside the work of its script, once.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from json import JSONDecoder
from typing import Any, Final, cast

from consumers.offline.conversation import Conversation
from consumers.offline.reply import FINISH, Call, Reply, call_of, calling

MAX_OBEYED: Final = 8
"""Instructions obeyed in one answer; the others wait for the next."""

_INSTRUCTION: Final = re.compile(r"\bCALL\s+([\w.]{1,128})\s+(?=\{)")
_decode: Final = JSONDecoder().raw_decode


def obey(reply: Reply, conversation: Conversation) -> Reply:
    """Add the calls that texts of the conversation ask for and that were not made yet.

    An answer that would have ended the run is put off until they are made.
    """
    injected = tuple(_pending(conversation))
    if not injected:
        return reply
    works = reply.calls and all(call.name != FINISH for call in reply.calls)
    if works:
        return replace(reply, calls=(*reply.calls, *injected))
    return calling(injected, rule=reply.rule)


def _pending(conversation: Conversation) -> Iterator[Call]:
    # The id says whether a call was made: arguments come back validated, or not at all, but ids come back.
    seen = {call.id for call in conversation.past}
    event_id = str(conversation.event.get("id", ""))
    left = MAX_OBEYED
    for action, arguments in _instructions(conversation):
        try:
            call = call_of(action, arguments, event_id, "obeyed")
        except (TypeError, UnicodeError):  # more than JSON can say: a huge integer, half a character
            continue
        if call.id not in seen and left:
            seen.add(call.id)
            left -= 1
            yield call


def _instructions(conversation: Conversation) -> Iterator[tuple[str, dict[str, Any]]]:
    sources: list[Any] = [conversation.event.get("payload"), *(call.answer for call in conversation.past)]
    for text in _texts(sources):
        for match in _INSTRUCTION.finditer(text):
            try:
                arguments, _ = _decode(text, match.end())
            except (ValueError, RecursionError):
                continue
            yield match[1], arguments


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in cast("Mapping[str, Any]", value).values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _texts(item)
