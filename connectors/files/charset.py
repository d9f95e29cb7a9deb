"""Which characters an EDI message can carry: what cannot be said is refused by name, and never replaced. Pure."""

from collections.abc import Callable
from typing import Final, Literal

from connectors.errors import FailedError
from connectors.files.places import Check

Syntax = Literal["UNOA", "UNOB", "UNOC"]
"""Syntax levels of EDIFACT: capitals, Latin letters without accents, ISO 8859-1."""
X12Charset = Literal["basic", "extended"]
"""Character sets of X12: capitals, or small letters as well."""

_DIGITS: Final = frozenset("0123456789")
_CAPITALS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_SMALL: Final = frozenset("abcdefghijklmnopqrstuvwxyz")
_UNOA: Final = _DIGITS | _CAPITALS | frozenset(" .,-()/=!\"%&*;<>'+:?")
_X12_BASIC: Final = _DIGITS | _CAPITALS | frozenset(" !\"&'()*+,-./:;?=")
_X12_EXTENDED: Final = _X12_BASIC | _SMALL | frozenset("%~@[]_{}\\|<>^`#$")


def carries(level: Syntax | X12Charset, character: str) -> bool:
    """Say whether a character can be written at this level, separators apart."""
    match level:
        case "UNOA":
            return character in _UNOA
        case "UNOB":
            return character in _UNOA or character in _SMALL
        case "UNOC":
            return " " <= character <= "~" or "\xa0" <= character <= "\xff"
        case "basic":
            return character in _X12_BASIC
        case "extended":
            return character in _X12_EXTENDED


def checked(level: Syntax | X12Charset, separators: str = "") -> Check:
    """Return what checks a text at this level.

    Args:
        level: of the message.
        separators: characters that cannot be written because nothing escapes them.
    """
    return _check(level, lambda character: character not in separators and carries(level, character))


def _check(level: str, fits: Callable[[str], bool]) -> Check:
    def check(name: str, text: str) -> None:
        for character in text:
            if not fits(character):
                raise FailedError(
                    f"{name} has the character {character!r} (U+{ord(character):04X}), which cannot be written at {level}",
                    code="not_representable",
                )

    return check
