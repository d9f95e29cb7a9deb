"""What a worker of `bench-runtime` is told, and the client settings that all variants share."""

import argparse
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final

from account import Account


@dataclass(frozen=True, slots=True)
class Job:
    """What to do.

    Attributes:
        bootstrap: of the broker.
        topic: to consume.
        out: to produce to.
        group: to consume in.
        partitions: of both topics.
        work_s: how long an event takes.
        in_flight: how many events a variant that can do so works side by side.
        linger_ms: of the producer, where the variant does not choose itself.
        stuck: whether one key does not get on.
    """

    bootstrap: str
    topic: str
    out: str
    group: str
    partitions: int
    work_s: float
    in_flight: int
    linger_ms: int
    stuck: bool


Settled = Callable[[], Awaitable[None]]
"""Returns once the variant has what it needs: its partitions, all its consumers."""
Variant = Callable[[Job, Account], AbstractAsyncContextManager[Settled]]
"""Works while its block runs; leaves its group at the end."""

PRODUCER: Final[dict[str, Any]] = {
    "acks": "all",
    "enable_idempotence": True,
    "compression_type": "lz4",
}
"""As ours has them, for everybody: aiokafka's defaults (acks=1, no idempotence) are cheaper and lose events."""
CONSUMER: Final[dict[str, Any]] = {
    "auto_offset_reset": "earliest",
    "isolation_level": "read_committed",
}


async def at_once() -> None:
    """Be settled already."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True, help="to consume, from its beginning")
    parser.add_argument("--out", required=True, help="topic to produce to")
    parser.add_argument("--group", required=True, help="consumer group")
    parser.add_argument("--partitions", type=int, default=6, help="of the topic (default: %(default)s)")
    parser.add_argument("--work", type=float, default=0, help="seconds an event (default: %(default)s)")
    parser.add_argument("--in-flight", type=int, default=500, help="events at a time (default: %(default)s)")
    parser.add_argument("--linger-ms", type=int, default=0, help="of the producer (default: %(default)s)")
    parser.add_argument("--stuck", action="store_true", help="one key never gets on")


def job_of(options: argparse.Namespace) -> Job:
    return Job(
        bootstrap=options.bootstrap,
        topic=options.topic,
        out=options.out,
        group=options.group,
        partitions=options.partitions,
        work_s=options.work,
        in_flight=options.in_flight,
        linger_ms=options.linger_ms,
        stuck=options.stuck,
    )
