"""Limits of the runtime, each with a default."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RuntimeLimits:
    """Bounds of one worker.

    Attributes:
        in_flight: records worked side by side, over all partitions.
        partition_records: unfinished records of one partition held in memory; above it the partition is paused, and
            it is resumed at half of that.
        partition_bytes: bytes of those records; the same.
        total_bytes: bytes of all records held; above it nothing more is taken of the partitions that hold more than an
            equal share, so that the others go on; at most twice as much is held.
        key_records: records that may queue behind one that is being retried; above it the key is parked early, so
            that it does not fill its partition's room and hold up the other keys.
        drain_s: how long work under way may take to reach the end of its step when partitions are revoked or the
            worker stops; one budget for all partitions.
        leave_s: how long the last commit may take, and leaving the group as well.
        commit_interval_s: how often finished offsets are committed.
        transaction_s: how long outputs are collected into one transaction, where `kafka.delivery` is `transactional`.
        poll_s: how long one poll waits for records.
        retry_first_s: the first wait of a retry; it doubles, with jitter.
        retry_max_s: the longest wait of a retry.
        retry_asked_s: the longest wait that somebody else may ask for, by Retry-After.
        retry_total_s: how long one record may be retried before its key is parked; waiting for Redis, Kafka or the
            model does not count.
        crash_attempts: how often a record may meet an error that nobody foresaw.
        parked_keys: keys that may be parked at a time; beyond it they go on waiting, and their partitions with them.
        dead_letters_in_a_row: so many records given up without one success in between stop the worker, before it
            empties a topic into the dead letters because something of ours is broken.
        dead_letter_ratio: this share given up among the last `dead_letter_window` records stops it as well.
        dead_letter_window: how many records that share is taken of.
        stalled_s: how long a step may run, or a partition with records waiting may deliver nothing, before the worker
            counts as wedged, says why and ends with an error.
    """

    in_flight: int = 256
    partition_records: int = 1000
    partition_bytes: int = 16 * 1024 * 1024
    total_bytes: int = 64 * 1024 * 1024
    key_records: int = 500
    drain_s: float = 20.0
    leave_s: float = 5.0
    transaction_s: float = 0.05
    commit_interval_s: float = 1.0
    poll_s: float = 0.2
    retry_first_s: float = 0.2
    retry_max_s: float = 30.0
    retry_asked_s: float = 3600.0
    retry_total_s: float = 900.0
    crash_attempts: int = 3
    parked_keys: int = 10_000
    dead_letters_in_a_row: int = 100
    dead_letter_ratio: float = 0.5
    dead_letter_window: int = 1000
    stalled_s: float = 600.0
