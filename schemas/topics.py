"""Pointsman's own topics, all of them: what they carry, how long, and who answers for them.

The topics of business events belong to their publishers and are named in routes.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from schemas.approval import DECIDED_TYPE, DOUBT_TYPE, REQUESTED_TYPE
from schemas.cancellation import CANCEL_TYPE
from schemas.difference import DIFFERENCE_TYPE
from schemas.expiry import EXPIRED_TYPE
from schemas.outcome import OUTCOME_TYPE
from schemas.step import STEP_TYPE

LETTER_BYTES: Final = 8 * 1024 * 1024
"""Of a letter: the largest record that an input topic is likely to take, and the reason beside it."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as it should be made.

    Attributes:
        key: what configuration and code call it.
        name: its name on Kafka unless the configuration gives another one.
        carries: the event types on it; empty where the records are other topics' own.
        retention: how long records stay.
        why: what it is for.
        owner: who answers for its content.
        partitions: how many to make.
        cleanup_policy: `delete` by age, or `compact` by key.
        largest: bytes of the largest batch; None is the broker's default, mostly 1 MiB.
    """

    key: str
    name: str
    carries: tuple[str, ...]
    retention: timedelta
    why: str
    owner: str
    partitions: int = 3
    cleanup_policy: Literal["delete", "compact"] = "delete"
    largest: int | None = None

    @property
    def settings(self) -> dict[str, str]:
        """The topic settings as Kafka names them."""
        settings = {
            "cleanup.policy": self.cleanup_policy,
            "retention.ms": str(self.retention // timedelta(milliseconds=1)),
        }
        if self.largest is not None:
            settings["max.message.bytes"] = str(self.largest)
        return settings


OUTCOMES: Final = Topic(
    key="outcomes",
    name="pointsman.outcomes",
    carries=(OUTCOME_TYPE,),
    retention=timedelta(days=30),
    why="One event for each run that ended; services subscribe to it. A route may name another topic.",
    owner="the worker that ran it",
)
STEPS: Final = Topic(
    key="steps",
    name="pointsman.steps",
    carries=(STEP_TYPE,),
    # A lost session store is rebuilt from here, so it must outlive what may be replayed; auditors ask for more.
    retention=timedelta(days=90),
    why="The audit trail: every journaled entry of every run, written before a write acts.",
    owner="the worker that ran it",
)
APPROVALS: Final = Topic(
    key="approvals",
    name="pointsman.approvals",
    carries=(REQUESTED_TYPE, DOUBT_TYPE, DECIDED_TYPE, EXPIRED_TYPE, CANCEL_TYPE),
    retention=timedelta(days=30),
    why="Held actions and those in doubt, people's answers and cancellations, in order for each session.",
    owner="workers ask, the console and the command line answer",
)
DEAD_LETTERS: Final = Topic(
    key="dead-letters",
    name="pointsman.dead-letters",
    carries=(),
    retention=timedelta(days=90),
    why="Records that could not be worked, byte for byte, with the reason in headers.",
    owner="the operator, who repairs and redrives them",
    largest=LETTER_BYTES,
)

PARKED: Final = Topic(
    key="parked",
    name="pointsman.parked",
    carries=(),
    retention=timedelta(days=90),
    why="Keys that were retried for too long: their records in order, byte for byte, until they are released.",
    owner="the operator, who mends the cause and releases them",
    largest=LETTER_BYTES,
)

DIFFERENCES: Final = Topic(
    key="differences",
    name="pointsman.differences",
    carries=(DIFFERENCE_TYPE,),
    retention=timedelta(days=30),
    why="What shadow replays would have done: one event for each run that they decided afresh.",
    owner="the operator, who ordered the replay",
)

REDRIVE: Final = Topic(
    key="redrive",
    name="pointsman.redrive",
    carries=(),
    # What was redriven is known by this topic: it must remember that for as long as the letters are there.
    retention=timedelta(days=90),
    why="Dead letters on their way back, byte for byte: read by this group's workers and by nobody else.",
    owner="the operator, who redrives them",
    largest=LETTER_BYTES,
)

TOPICS: Final = (OUTCOMES, STEPS, APPROVALS, DEAD_LETTERS, PARKED, DIFFERENCES, REDRIVE)
"""The table."""
