"""What we publish, encoded and addressed: outcomes, steps, approval requests and answers, differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consumers.run import ending
from schemas.approval import ApprovalDecision, ApprovalRequest
from schemas.cancellation import Cancellation
from schemas.codec.outgoing import OwnMessage
from schemas.codec.records import RecordCodec
from schemas.difference import Difference
from schemas.expiry import Expiry
from schemas.outcome import Outcome
from schemas.record import Outgoing
from schemas.step import Step

OWN_TENANT = "pointsman"
"""Tenant of our own messages; the tenant that one is about is inside it."""


@dataclass(frozen=True, slots=True)
class OwnTopics:
    """Where our own messages go; outcomes go where the route says."""

    steps: str
    approvals: str
    dead_letters: str
    parked: str
    redrive: str


@dataclass(frozen=True, slots=True)
class OwnMessages:
    """Encodes messages. The same message always gives the same bytes."""

    codec: RecordCodec
    topics: OwnTopics

    def steps(self, steps: Sequence[Step]) -> list[Outgoing]:
        """Return audit steps, in order, keyed by session."""
        return [self._to(self.topics.steps, step) for step in steps]

    def outcome(self, outcome: Outcome, topic: str) -> Outgoing:
        """Return the terminal event of a run."""
        return self._to(topic, outcome)

    def stored_outcome(self, body: Mapping[str, Any], topic: str) -> Outgoing:
        """Return the same terminal event, from the sound entry that a journal has of it."""
        encoded = self.codec.encode_stored(body)
        if encoded is None:
            return self.outcome(ending.of_body(body), topic)
        return Outgoing(topic, encoded.key, encoded.value, encoded.headers)

    def approval_request(self, request: ApprovalRequest) -> Outgoing:
        """Return what a person is asked."""
        return self._to(self.topics.approvals, request)

    def approval_decision(self, decision: ApprovalDecision) -> Outgoing:
        """Return a person's answer: what the command line and the demo publish."""
        return self._to(self.topics.approvals, decision)

    def cancellation(self, cancellation: Cancellation) -> Outgoing:
        """Return an operator's word to end a run."""
        return self._to(self.topics.approvals, cancellation)

    def expiry(self, expiry: Expiry) -> Outgoing:
        """Return what wakes a run that nobody answered in time."""
        return self._to(self.topics.approvals, expiry)

    def difference(self, difference: Difference, topic: str) -> Outgoing:
        """Return what a shadow replay found of a run."""
        return self._to(topic, difference)

    def _to(self, topic: str, message: OwnMessage) -> Outgoing:
        encoded = self.codec.encode(message)
        return Outgoing(topic, encoded.key, encoded.value, encoded.headers)
