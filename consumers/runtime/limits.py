"""Limits of the runtime, each with a default."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RuntimeLimits:
    """Bounds of one worker.

    Attributes:
        in_flight: records worked side by side, over all partitions.
        partition_records: records of one partition held in memory; above it the partition is paused, and it
            is resumed at half of that.
        drain_s: how long running work may take to end when partitions are revoked or the worker stops.
        commit_interval_s: how often finished offsets are committed.
        poll_s: how long one poll waits for records.
        retry_first_s: the first wait of a retry; it doubles, with jitter.
        retry_max_s: the longest wait of a retry.
        retry_asked_s: the longest wait that somebody else may ask for, by Retry-After.
        retry_total_s: how long one record may be retried before it becomes a dead letter; waiting for Redis,
            Kafka or the model does not count.
        crash_attempts: how often a record may meet an error that nobody foresaw.
        dead_letters_in_a_row: so many without one success in between stop the worker, before it empties a topic
            into the dead letters because something of ours is broken.
    """

    in_flight: int = 256
    partition_records: int = 1000
    drain_s: float = 20.0
    commit_interval_s: float = 1.0
    poll_s: float = 0.2
    retry_first_s: float = 0.2
    retry_max_s: float = 30.0
    retry_asked_s: float = 3600.0
    retry_total_s: float = 900.0
    crash_attempts: int = 3
    dead_letters_in_a_row: int = 100
