"""A call of a port, as a worker tells it."""

from dataclasses import dataclass, field
from typing import Any, Literal

Server = Literal["redis", "model", "sandbox", "kafka"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    Attributes:
        names: what it does, such as `group.commit orders`; several where it does several things at once.
        server: who is asked.
        mark: text by which its request can be told from others on the wire, as far as there is one.
        records: how many records it publishes to each topic.
    """

    names: tuple[str, ...]
    server: Server
    mark: str = ""
    records: dict[str, int] = field(default_factory=dict[str, int])


def call_of(told: dict[str, Any]) -> Call:
    """Return a call from its fields, as JSON has them."""
    return Call(tuple(told["names"]), told["server"], told["mark"], told["records"])
