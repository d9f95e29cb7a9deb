"""The personal values that are known of one run at the moment, and where they stand in a text."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

from consumers.privacy.patterns import Span
from consumers.privacy.token import Scalar

WHOLE_CHARS: Final = 4
"""A shorter value is only found where it is all of a text: it would be in every other word."""
ANYWHERE_CHARS: Final = 8
"""A shorter one is only found between words; this long, also inside of them."""
MOST: Final = 2_000
"""Values of one run that may come from its event and from results."""

_ELLIPSIS: Final = "…"


class TooManyValuesError(ValueError):
    """There is no room for more personal values."""


class Known:
    """Values, each with the form in which it is looked for. Capital letters or small ones make no difference."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._learnt: set[Scalar] = set()
        self._texts: dict[str, None] = {}
        self._numbers: set[int | float] = set()

    def learn(self, values: Iterable[Scalar]) -> None:
        """Add values that were found tagged.

        Raises:
            TooManyValuesError: they would be more than the limit; none of them is added.
            TypeError: one is true or false; no token can stand for that, since half of all such values are equal to it.
        """
        new = list(values)
        if any(isinstance(value, bool) for value in new):
            raise TypeError(
                "a value that is true or false is tagged as personal, and no token can stand for it"
            )
        more = set(new) - self._learnt
        if len(self._learnt) + len(more) > self._most:
            raise TooManyValuesError(f"more than {self._most:,} personal values (privacy.values)")
        self._learnt |= more
        for value in more:
            self.add(value)

    def add(self, value: Scalar) -> None:
        """Add a value whatever the limit is: one that is stored already."""
        self._texts.update(dict.fromkeys(_forms(value)))
        if not isinstance(value, str):
            self._numbers.add(value)

    @property
    def has_numbers(self) -> bool:
        """Whether some of them are numbers."""
        return bool(self._numbers)

    def has_number(self, value: float) -> bool:
        """Whether a number is one of them."""
        return value in self._numbers

    def spans(self, text: str) -> Iterator[Span]:
        """Yield where they stand in a text; they may overlap."""
        if not self._texts:
            return
        lowered = text.lower()
        if len(lowered) != len(text):  # some letters have two small ones; then capitals do make a difference
            lowered = text
        if lowered.strip() in self._texts:
            yield 0, len(text), "text"
            return
        for form in self._texts:
            if form in lowered and len(form) >= WHOLE_CHARS:
                yield from _inside(form, lowered)
        if text.endswith(_ELLIPSIS):
            yield from self._cut(lowered)

    def _cut(self, text: str) -> Iterator[Span]:
        """Yield the beginnings of values with which a text ends that was cut."""
        end = len(text) - len(_ELLIPSIS)
        for form in self._texts:
            for size in range(min(len(form) - 1, end), WHOLE_CHARS - 1, -1):
                if text.startswith(form[:size], end - size):
                    yield end - size, end, "text"
                    break


def _forms(value: Scalar) -> Iterator[str]:
    """Yield how a value may be written: as it is, inside of a JSON text inside of a text, and in a URL."""
    if not isinstance(value, str):
        yield repr(value)
        return
    text = value.strip()
    lowered = text.lower()
    form = lowered if len(lowered) == len(text) else text
    if form:
        escaped = {json.dumps(form)[1:-1], json.dumps(form, ensure_ascii=False)[1:-1]}
        in_urls = {quote(text, safe=""), quote(text), quote_plus(text)}
        yield from {form, *escaped, *(each.lower() for each in in_urls)}


def _inside(form: str, text: str) -> Iterator[Span]:
    between = len(form) < ANYWHERE_CHARS
    pattern = rf"(?<!\w){re.escape(form)}(?!\w)" if between else re.escape(form)
    for match in re.finditer(pattern, text):
        yield match.start(), match.end(), "text"
