"""Personal data that shows by itself: account numbers (IBAN) and numbers of payment cards, by their checksums."""

import re
from collections.abc import Iterator
from typing import Final

from consumers.privacy.token import Kind

Span = tuple[int, int, Kind]
"""Where something begins and ends in a text, and what it is."""

CARD_DIGITS: Final = range(13, 20)
"""How many digits the number of a payment card has (ISO/IEC 7812)."""
_IBAN_CHARS: Final = range(15, 35)
"""How long an IBAN is in the countries that have one (ISO 13616)."""

_SPACES: Final = " \u00a0\u2009\u202f-"
# Looked ahead, so that what begins like one does not hide the one after it.
_IBAN: Final = re.compile(rf"(?<![^\W_])(?=([A-Za-z]{{2}}[0-9]{{2}}(?:[{_SPACES}]?[A-Za-z0-9]){{11,30}}))")
# The first digit names the industry: what begins otherwise is no card, but may be a time in milliseconds.
_CARD: Final = re.compile(
    rf"(?<![0-9])(?:[2-6]|8(?=[{_SPACES}]?[12]))(?:[{_SPACES}]?[0-9]){{12,18}}(?![0-9])"
)
_DIGITS: Final = re.compile("[0-9]{2}|[0-9][^0-9][0-9]")
_RUN: Final = re.compile(rf"[0-9](?:[{_SPACES}]?[0-9]){{12,}}")


def found(text: str) -> Iterator[Span]:
    """Yield every account and card number of a text, written with spaces or dashes or without; they may overlap."""
    if len(text) < CARD_DIGITS.start or not _DIGITS.search(text):
        return
    for match in _IBAN.finditer(text):
        if (end := _iban_end(match[1])) is not None:
            yield match.start(), match.start() + end, "iban"
    for run in _RUN.finditer(text):
        yield from _cards(run[0], run.start())


def is_iban(text: str) -> bool:
    """Whether a text without spaces has the form and the checksum of an IBAN: what ISO 7064 calls MOD 97-10."""
    if len(text) not in _IBAN_CHARS or not text.isascii():
        return False
    moved = text[4:] + text[:4]
    return int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def is_card(digits: str) -> bool:
    """Whether digits have the length and the checksum of a card's number (Luhn)."""
    if len(digits) not in CARD_DIGITS or not (digits[0] in "23456" or digits[:2] in {"81", "82"}):
        return False
    doubled = (int(digit) * 2 for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(d - 9 if d > 9 else d for d in doubled)) % 10 == 0  # noqa: PLR2004 - a digit


def _iban_end(text: str) -> int | None:
    """Return where the longest IBAN at the beginning of a text ends: words may follow it after a space."""
    ends = [at + 1 for at, char in enumerate(text) if char not in _SPACES]
    for chars in range(len(ends), _IBAN_CHARS.start - 1, -1):
        end = ends[chars - 1]
        if is_iban("".join(char for char in text[:end] if char not in _SPACES)):
            return end
    return None


def _cards(run: str, offset: int) -> Iterator[Span]:
    """Yield the cards of a run of digits: the run as a whole, or between spaces, where a number may stand beside another."""
    match = _CARD.fullmatch(run)
    if match and is_card(_digits(run)):
        yield offset, offset + len(run), "card"
        return
    groups = list(re.finditer(r"[0-9]+", run))
    for first, begin in enumerate(groups):
        digits = ""
        for group in groups[first:]:
            digits += group[0]
            if len(digits) >= CARD_DIGITS.stop:
                break
            if is_card(digits):
                yield offset + begin.start(), offset + group.end(), "card"


def _digits(text: str) -> str:
    return "".join(char for char in text if char not in _SPACES)
