"""The personal data of one run in hand: replaced by tokens in whatever is written, put back in whatever is read."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

import orjson

from consumers.privacy import patterns
from consumers.privacy.bodies import mapped
from consumers.privacy.known import WHOLE_CHARS, Known
from consumers.privacy.patterns import Span
from consumers.privacy.token import TOKEN, TOKEN_CHARS, Kind, Scalar, Seal, TokenError

_NUMBER: Final = re.compile(r"(?<=[:\[,])-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?=[,\]}])")
"""Where JSON has one, outside of texts."""
_TEXT: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')


class PersonalRun:
    """Seals and opens for one run. `seal` and `open` undo each other; a body is sealed once, from the clear.

    Attributes:
        known: its values.
        sealed: its entries as they are stored, by place.
    """

    def __init__(self, seal: Seal, known: Known) -> None:
        self._seal = seal
        self.known = known
        self.sealed: dict[str, Mapping[str, Any]] = {}
        self._clear: dict[str, Mapping[str, Any]] = {}

    def learn(self, values: Iterable[Scalar]) -> None:
        """Take these values for personal from now on; see `Known.learn`."""
        self.known.learn(values)

    def seal(self, value: Any) -> Any:
        """Return a JSON-like value with tokens in place of all that is personal."""
        return _mapped(value, self.seal_text, self._seal_number)

    def open(self, value: Any) -> Any:
        """Return what was sealed; what was in the tokens is known from now on.

        Raises:
            TokenError: a token does not open.
        """
        return _mapped(value, self._open_text, _same)

    def seal_entry(self, at: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the body of an entry, sealed: once, so that it is the same in every store, whatever is known later."""
        if self._clear.get(at) != body:
            self.sealed[at], self._clear[at] = mapped(body, self.seal), body
        return self.sealed[at]

    def open_entry(self, at: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the body of an entry that was stored.

        Raises:
            TokenError: a token in it does not open.
        """
        self._clear[at] = mapped(body, self.open)
        self.sealed[at] = body
        return self._clear[at]

    def seal_text(self, text: str) -> str:
        """Return a text with tokens in place of all that is personal.

        What looks like a token in the clear came from outside, and gets a token itself: so every token that is found
        later is ours.
        """
        spans = self._spans(text)
        return self._replaced(text, spans) if spans else text

    def open_known(self, text: str) -> str:
        """Return a text for people with its tokens opened, and those that do not open as they are."""
        return TOKEN.sub(lambda found: str(self._or_as_it_is(found[0])), text)

    def reveal(self, value: Any) -> Any:
        """Return a JSON-like value for people, like `open_known`; numbers are numbers again."""
        return _mapped(value, self._revealed, _same)

    def seal_json_text(self, text: str) -> str:
        """Return a text in which values are written as JSON, sealed: each text of it for itself, not as it is escaped."""
        parts: list[str] = []
        at = 0
        for begin, end, said in _texts(text):
            parts += [self._seal_bare(text[at:begin]), text[begin:end]]
            if (sealed := self.seal_text(said)) != said:
                parts[-1] = _quoted(sealed)
            at = end
        return "".join([*parts, self._seal_bare(text[at:])])

    def _seal_bare(self, text: str) -> str:
        spans: list[Span] = []
        if len(text) >= WHOLE_CHARS:  # most is shorter: what stands between two texts
            spans += self._spans(text)
        if self.known.has_numbers:
            found = _NUMBER.finditer(text)
            spans += _places(each for each in found if self.known.has_number(orjson.loads(each[0])))
        return self._replaced(text, spans, numbers=True) if spans else text

    def _spans(self, text: str) -> list[Span]:
        spans: list[Span] = [*patterns.found(text), *self.known.spans(text)]
        if "_" in text:
            spans += _places(TOKEN.finditer(text))
        return spans

    def _replaced(self, text: str, spans: list[Span], *, numbers: bool = False) -> str:
        parts: list[str] = []
        at = 0
        for begin, end, kind in _merged(text, spans):
            said = text[begin:end]
            if numbers and (number := _number(said)) is not None:
                token = f'"{self._seal.token(number, "number")}"'
            else:
                token = self._seal.token(said, kind)
            parts += [text[at:begin], token]
            at = end
        return "".join([*parts, text[at:]])

    def _seal_number(self, value: float) -> Any:
        personal = self.known.has_number(value) or (isinstance(value, int) and patterns.is_card(str(value)))
        return self._seal.token(value, "number") if personal else value

    def _open_text(self, text: str) -> Any:
        if "pii_" not in text.lower():
            return text
        if TOKEN.fullmatch(text):
            return self._opened(text)
        return TOKEN.sub(lambda found: str(self._opened(found[0])), text)

    def _opened(self, token: str) -> Scalar:
        value = self._seal.open(token)
        self.known.add(value)
        return value

    def _revealed(self, text: str) -> Any:
        return self._or_as_it_is(text) if TOKEN.fullmatch(text) else self.open_known(text)

    def _or_as_it_is(self, token: str) -> Scalar:
        try:
            return self._opened(token)
        except TokenError:
            return token


def _places(matches: Iterable[re.Match[str]]) -> Iterable[Span]:
    for match in matches:
        yield match.start(), match.end(), "text"


def _mapped(value: Any, text: Callable[[str], Any], number: Callable[[float], Any]) -> Any:
    if isinstance(value, str):
        return text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value).items()
        return {str(text(name)): _mapped(member, text, number) for name, member in members}
    return [_mapped(member, text, number) for member in cast("list[Any]", value)]


def _merged(text: str, spans: list[Span]) -> list[Span]:
    """Return spans in order that neither overlap nor touch: each ends where a token may end."""
    merged: list[Span] = []
    for begin, reach, kind in sorted(spans, key=lambda span: (span[0], -span[1])):
        end = reach
        while end < len(text) and text[end] in TOKEN_CHARS:
            end += 1
        if merged and begin <= merged[-1][1]:
            before, until, of = merged[-1]
            reached = max(until, end)
            # What is all of it says the kind, whether it is known as a value as well or not.
            whole: list[Kind] = []
            if until == reached:
                whole.append(of)
            if (begin, end) == (before, reached):
                whole.append(kind)
            merged[-1] = (before, reached, _kind(whole))
        else:
            merged.append((begin, end, kind if end == reach else "text"))
    return merged


def _kind(kinds: list[Kind]) -> Kind:
    for kind in kinds:
        if kind != "text":
            return kind
    return "text"


def _texts(text: str) -> Iterable[tuple[int, int, str]]:
    """Yield each text that stands in quotes as JSON writes it: where it begins and ends, and what it says."""
    at = 0
    while match := _TEXT.search(text, at):
        at = match.end()
        try:
            said: Any = orjson.loads(match[0])
        except orjson.JSONDecodeError:
            at = match.start() + 1  # a quotation mark that stands for itself
            continue
        yield match.start(), match.end(), said


def _quoted(text: str) -> str:
    # As the prompt does: data must not contain a closing mark.
    return orjson.dumps(text).decode().replace("<", "\\u003c").replace(">", "\\u003e")


def _number(text: str) -> int | float | None:
    try:
        value: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _same(value: float) -> float:
    return value
