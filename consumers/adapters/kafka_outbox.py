"""What is published outside of the consumer loop, each acknowledged by all replicas: steps, and what tools send."""

from collections.abc import Sequence

from consumers.adapters.own_messages import OwnMessages
from consumers.ports.producing import Producer
from schemas.approval import ApprovalDecision
from schemas.cancellation import Cancellation
from schemas.chain import BEGINNING, linked
from schemas.expiry import Expiry
from schemas.outcome import Outcome
from schemas.step import Step


class KafkaOutbox:
    """The outbox on a started producer."""

    def __init__(self, producer: Producer, messages: OwnMessages) -> None:
        self._producer = producer
        self._messages = messages

    async def steps(self, steps: Sequence[Step], after: str | None = None) -> str:
        """As the port says."""
        chained = steps if after is None else linked(steps, after)
        await self._producer.send(self._messages.steps(chained))
        return (chained[-1].link if chained else after) or BEGINNING

    async def outcome(self, outcome: Outcome, topic: str) -> None:
        """Publish an outcome once more: what a replay does."""
        await self._producer.send([self._messages.outcome(outcome, topic)])

    async def approval_decision(self, decision: ApprovalDecision) -> None:
        """Publish a person's answer: what the command line and the demo do."""
        await self._producer.send([self._messages.approval_decision(decision)])

    async def expiry(self, expiry: Expiry) -> None:
        """Publish that nobody answered a question in time: what a worker does that looks at the deadlines."""
        await self._producer.send([self._messages.expiry(expiry)])

    async def cancellation(self, cancellation: Cancellation) -> None:
        """Publish an operator's word to end a run: what the command line does."""
        await self._producer.send([self._messages.cancellation(cancellation)])
