"""What a remote procedure answered, whatever it was written in: a value, or a fault. Pure."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Value:
    """It returned.

    Attributes:
        value: what; JSON-like, and in it Decimal, date, datetime, time and bytes where the protocol has them.
    """

    value: Any


@dataclass(frozen=True, slots=True)
class Fault:
    """It raised.

    Attributes:
        name: the class of what it raised, or the number of the fault, as text; empty where nothing is said.
        message: what people are told; never a traceback.
    """

    name: str
    message: str


Answer = Value | Fault


class UnreadableAnswerError(ValueError):
    """A body that is no answer of this protocol."""
