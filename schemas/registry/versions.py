"""Versions of one event's schema beside each other: which of them cannot read what another one wrote. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from schemas.registry.avro_schema import AvroSchema
from schemas.registry.compatibility import Incompatibility, incompatibilities


class Mode(StrEnum):
    """Who has to be able to read whom, in the words of Confluent's registry."""

    BACKWARD = "backward"
    BACKWARD_TRANSITIVE = "backward-transitive"
    FORWARD = "forward"
    FORWARD_TRANSITIVE = "forward-transitive"
    FULL = "full"
    FULL_TRANSITIVE = "full-transitive"

    @property
    def backward(self) -> bool:
        """Whether readers with the new version must read what earlier ones wrote: replays, and records that wait."""
        return not self.startswith("forward")

    @property
    def forward(self) -> bool:
        """Whether readers with earlier versions must read what the new one writes: subscribers that are not changed yet."""
        return not self.startswith("backward")

    @property
    def transitive(self) -> bool:
        """Whether all earlier versions count, and not only the last one."""
        return self.endswith("transitive")


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a schema.

    Attributes:
        name: says which, and who has it: `run.finished.v2`, `version 2 in the registry`.
        schema: what it says.
    """

    name: str
    schema: AvroSchema


@dataclass(frozen=True, slots=True)
class Break:
    """A version that cannot read all that another one wrote.

    Attributes:
        reader: the version of those for whom it breaks.
        writer: the version of the records.
        problems: why, at least one.
        others: for whom it breaks, in words, where those are no readers.
    """

    reader: str
    writer: str
    problems: tuple[Incompatibility, ...]
    others: str = ""

    @property
    def whom(self) -> str:
        """For whom it breaks, in words."""
        return self.others or f"who reads with {self.reader} what was written with {self.writer}"


def breaks(new: Version, earlier: Sequence[Version], mode: Mode) -> tuple[Break, ...]:
    """Return what a new version breaks, by one mode.

    Args:
        new: the version that is about to be used.
        earlier: those before it, the oldest first; one that says the same as the new one does not count.
        mode: who has to read whom.
    """
    return tuple(_breaks(new, compared(new, earlier, mode), mode))


def compared(new: Version, earlier: Sequence[Version], mode: Mode) -> tuple[Version, ...]:
    """Return the versions that a mode compares the new one with."""
    others = tuple(each for each in earlier if each.schema.digest != new.schema.digest)
    return others if mode.transitive else others[-1:]


def _breaks(new: Version, others: Sequence[Version], mode: Mode) -> Iterator[Break]:
    for other in others:
        pairs = [(new, other)] if mode.backward else []
        if mode.forward:
            pairs.append((other, new))
        for reader, writer in pairs:
            problems = incompatibilities(reader.schema, writer.schema)
            if problems:
                yield Break(reader.name, writer.name, problems)
