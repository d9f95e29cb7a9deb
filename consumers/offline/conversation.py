"""What happened so far, read from the messages and tools of a chat completion request."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from json import JSONDecoder
from typing import Any, Final, cast

import orjson

NOT_TRIED: Final = frozenset({"invalid_arguments", "not_done", "not_finished", "skipped"})
"""Codes of calls that reached no system and no rule: such a call is no error, it is simply made again."""

_OPENING: Final = re.compile(r"<(\w+)>\s*(?=[\[{])")
_SESSION: Final = re.compile(r"<session>\s*([^<>]*?)\s*</session>")
"""It comes first, and holds neither of the two characters."""
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_decode: Final = JSONDecoder().raw_decode


class UnreadableConversationError(ValueError):
    """The request's messages or tools are not what the chat completions API asks for."""


@dataclass(frozen=True, slots=True)
class PastCall:
    """One call that was made, and what came of it (None while there is no answer)."""

    id: str
    action: str
    answer: Any


@dataclass(frozen=True, slots=True)
class Conversation:
    """One event as the conversation tells it, from its user message on.

    Attributes:
        event: the JSON object in `<event>`; empty if there is none.
        session: the text in `<session>`; empty if there is none.
        turn: number of the answer that is asked for, from 1.
        past: calls made so far, in order.
        tools: names of the offered actions, dotted.
    """

    event: Mapping[str, Any]
    session: str
    turn: int
    past: tuple[PastCall, ...]
    tools: tuple[str, ...]

    def facts(self, names: frozenset[str]) -> dict[str, Any]:
        """Return the named variables of a script. Others cost nothing: turning values into CEL is slow."""
        return {name: getattr(self, f"_{name}" if name in _DERIVED else name) for name in names}

    @property
    def _calls(self) -> list[str]:
        return [call.action for call in self.past]

    @property
    def _results(self) -> dict[str, Any]:
        return {call.action: call.answer["result"] for call in self.past if _ok(call.answer)}

    @property
    def _errors(self) -> dict[str, Any]:
        return {call.action: failure for call in self.past if (failure := _failure(call.answer))}


_DERIVED: Final = frozenset({"calls", "results", "errors"})


def read(messages: Any, tools: Any) -> Conversation:
    """Read a request's messages and tools. Only what follows the last message with an event counts.

    Raises:
        UnreadableConversationError: they do not have the shape the API asks for.
    """
    try:
        start, sections, session = _last_event(messages)
        past, answered = _past(messages[start:])
        offered = tuple(dotted(tool["function"]["name"]) for tool in tools or ())
    except (AttributeError, LookupError, TypeError) as error:
        raise UnreadableConversationError(f"messages or tools are malformed: {error!r}") from error
    return Conversation(_object(sections, "event"), session, answered + 1, past, offered)


def dotted(tool_name: str) -> str:
    """Return the action's name for the model API's name of it."""
    return tool_name.replace("__", ".")


def _last_event(messages: Sequence[Mapping[str, Any]]) -> tuple[int, dict[str, Any], str]:
    for index in range(len(messages) - 1, -1, -1):
        if messages[index]["role"] == "user":
            text = _text(messages[index]["content"])
            sections = _sections(text)
            if "event" in sections:
                told = _SESSION.match(text)
                return index, sections, told[1] if told else ""
    return len(messages), {}, ""


def _sections(text: str) -> dict[str, Any]:
    """Return the JSON value behind each `<name>`; the first of a name counts.

    Decoding, not searching for the closing mark, finds where a value ends, so that marks inside the JSON's
    own strings are text like any other.
    """
    found: dict[str, Any] = {}
    opening = _OPENING.search(text)
    while opening:
        end = opening.end()
        try:
            value, end = _decode(text, end)
            found.setdefault(opening[1], value)
            if _SURROGATE.search(text):
                orjson.dumps(value)  # half a character cannot be answered: its TypeError rejects the request
        except (ValueError, RecursionError):
            pass  # prose that looks like a mark
        opening = _OPENING.search(text, end)
    return found


def _past(messages: Sequence[Mapping[str, Any]]) -> tuple[tuple[PastCall, ...], int]:
    """Return the calls made, with their answers, and how many answers the model gave."""
    made: dict[str, str] = {}
    answers: dict[str, Any] = {}
    turns = 0
    for message in messages:
        role = message["role"]
        if role == "assistant":
            turns += 1
            for call in message.get("tool_calls") or ():
                made[call["id"]] = dotted(call["function"]["name"])
        elif role == "tool":
            answers[message["tool_call_id"]] = _answer(_text(message["content"]))
    return tuple(PastCall(id_, action, answers.get(id_)) for id_, action in made.items()), turns


def _answer(content: str) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return content


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(_parts(content)) if content else ""


def _parts(content: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    return (part["text"] for part in content if part["type"] == "text")


def _object(sections: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = sections.get(name)
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _ok(answer: Any) -> bool:
    return (
        isinstance(answer, dict) and cast("dict[str, Any]", answer).get("ok") is True and "result" in answer
    )


def _failure(answer: Any) -> dict[str, str] | None:
    if not isinstance(answer, dict) or cast("dict[str, Any]", answer).get("ok") is not False:
        return None
    fields = cast("dict[str, Any]", answer)
    code = str(fields.get("code") or "failed")
    return None if code in NOT_TRIED else {"code": code, "message": str(fields.get("error") or "")}
