"""One assigned partition, from assignment to revocation."""

from consumers.runtime.offsets import OffsetTracker


class Partition:
    """What this worker holds of one partition during one assignment.

    Attributes:
        topic: its topic.
        number: its number.
        paused: the broker is not asked for more of it.
        revoked: it is no longer ours; nothing new of it is started.
    """

    def __init__(self, topic: str, number: int) -> None:
        self.topic = topic
        self.number = number
        self.paused = False
        self.revoked = False
        self._tracker = OffsetTracker()
        self._committed: int | None = None

    def take(self, offset: int) -> None:
        """Note a record that is handed out."""
        self._tracker.take(offset)

    def finish(self, offset: int) -> None:
        """Note a record whose work is over."""
        self._tracker.finish(offset)

    @property
    def unfinished(self) -> int:
        """Records handed out and not finished."""
        return self._tracker.unfinished

    @property
    def to_commit(self) -> int | None:
        """The offset to commit, or None where there is nothing new to say."""
        offset = self._tracker.next_offset
        return None if offset == self._committed else offset

    def committed(self, offset: int) -> None:
        """Note what the broker has."""
        self._committed = offset
