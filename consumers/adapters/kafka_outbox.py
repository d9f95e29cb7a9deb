"""What we publish: outcomes, steps, approval requests and dead letters, each acknowledged by all replicas."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from consumers.adapters.kafka_sender import KafkaSender
from consumers.errors import DeadLetterError
from schemas.approval import ApprovalDecision, ApprovalRequest
from schemas.codec.records import RecordCodec
from schemas.dead_letter import DeadLetter, dead_letter_headers
from schemas.outcome import Outcome
from schemas.record import Encoded, Record
from schemas.step import Step


@dataclass(frozen=True, slots=True)
class OwnTopics:
    """Where our own messages go; outcomes go where the route says."""

    steps: str
    approvals: str
    dead_letters: str


class KafkaOutbox:
    """The outbox on a started sender."""

    def __init__(self, sender: KafkaSender, codec: RecordCodec, topics: OwnTopics) -> None:
        self._sender = sender
        self._codec = codec
        self._topics = topics

    async def steps(self, steps: Sequence[Step]) -> None:
        """Publish audit steps, in order, keyed by session."""
        await self._send(self._topics.steps, [self._codec.encode(step) for step in steps])

    async def outcome(self, outcome: Outcome, topic: str) -> None:
        """Publish the terminal event of a run."""
        await self._send(topic, [self._codec.encode(outcome)])

    async def approval_request(self, request: ApprovalRequest) -> None:
        """Publish a held action."""
        await self._send(self._topics.approvals, [self._codec.encode(request)])

    async def approval_decision(self, decision: ApprovalDecision) -> None:
        """Publish a person's answer: what the command line and the demo do."""
        await self._send(self._topics.approvals, [self._codec.encode(decision)])

    async def dead_letter(self, record: Record, error: DeadLetterError, attempts: int) -> None:
        """Publish a record byte for byte, with the reason in headers of its own."""
        letter = DeadLetter(record, error.reason, str(error), attempts, datetime.now(UTC))
        headers = dead_letter_headers(letter)
        await self._sender.send(self._topics.dead_letters, [(record.key, record.value, headers)])

    async def _send(self, topic: str, messages: Sequence[Encoded]) -> None:
        await self._sender.send(topic, [(m.key, m.value, m.headers) for m in messages])


class KafkaDeadLetters:
    """The runtime's way to the dead letters."""

    def __init__(self, outbox: KafkaOutbox) -> None:
        self._outbox = outbox

    async def send(self, record: Record, error: DeadLetterError, attempts: int) -> None:
        """Publish the record with its reason; returns once it is acknowledged."""
        await self._outbox.dead_letter(record, error, attempts)
