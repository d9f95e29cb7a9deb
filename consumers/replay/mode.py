"""What a replay does with the events that it reads."""

from enum import StrEnum


class Mode(StrEnum):
    """What a replay does with the events that it reads."""

    REBUILD = "rebuild"
    """Finished runs give their outcomes again, from the record: no model call, no effect."""
    SHADOW = "shadow"
    """Finished runs are decided afresh beside the record; nothing is written anywhere but a report."""
    RESUME = "resume"
    """Runs that are not finished, or are missing, are worked for real; finished ones are left alone."""
    BACKFILL = "backfill"
    """Events that were never worked are worked for real, within bounds; known ones are left alone."""

    @property
    def works(self) -> bool:
        """Whether events are worked for real: models are asked, and effects happen."""
        return self in {Mode.RESUME, Mode.BACKFILL}
