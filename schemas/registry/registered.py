"""What a registry says of a subject: its versions, and whether a new one may be registered."""

from dataclasses import dataclass

from schemas.registry.avro_schema import AvroSchema


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """One version of a subject.

    Attributes:
        number: as the registry counts, from 1, with gaps where versions were deleted.
        id: of its schema.
        schema: what it says, or None where Pointsman reads nothing that was written with it.
        problem: why not.
    """

    number: int
    id: int
    schema: AvroSchema | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the registry would take a schema as the next version of a subject.

    Attributes:
        level: by which it judges, in its own words: `BACKWARD`, `FULL_TRANSITIVE`, `NONE`.
        compatible: whether it would take it.
        reasons: why not, in its own words, cut; registries differ in how much they say.
    """

    level: str
    compatible: bool
    reasons: tuple[str, ...] = ()
