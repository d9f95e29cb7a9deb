"""Personal data at the edge of the runtime: what an event says is known before it is worked, and sealed in what is published."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from consumers.errors import DeadLetterError, PointsmanError
from consumers.policy.approvers import Approver
from consumers.privacy.known import TooManyValuesError
from consumers.privacy.register import Register
from consumers.privacy.run import PersonalRun
from consumers.privacy.token import TokenError
from consumers.router.route import Route
from consumers.run import ending
from consumers.run.engine import Said
from consumers.session import place
from consumers.session.key import SessionKey
from schemas.approval import ApprovalDecision, ApprovalRequest
from schemas.cancellation import Cancellation
from schemas.envelope import Envelope
from schemas.expiry import Expiry


class PersonalData:
    """What the handler of records does about personal data; without a register, it only refuses what needs one."""

    def __init__(self, register: Register | None) -> None:
        self._register = register

    @contextmanager
    def of_event(self, event: Envelope, route: Route) -> Generator[None]:
        """Have what is tagged in an event known while the block lasts.

        Raises:
            DeadLetterError: it cannot be kept: there is no key, too much of it, or what no token can stand for.
        """
        personal = {name: each for name, each in event.personal.items() if name not in route.show_personal}
        if self._register is None:
            if personal:
                raise DeadLetterError(
                    f"{event.type} tags {', '.join(sorted(personal))} as personal, and there is no `privacy.key`; "
                    f"`show_personal` of route {route.name} does not allow it",
                    reason="personal_unkeyed",
                )
            yield
            return
        with self._working(self._register, SessionKey(event.tenant, event.session_id), event.run_id) as run:
            _learn(run, [value for values in personal.values() for value in values])
            yield

    @contextmanager
    def of_decision(self, decision: ApprovalDecision, by: Approver) -> Generator[ApprovalDecision]:
        """Yield a person's answer in the clear: who gave it saw tokens, and may have sent some back.

        Raises:
            DeadLetterError: one of them is no token of that session.
        """
        if self._register is None:
            yield decision
            return
        key = SessionKey(decision.tenant, decision.session_id)
        with self._working(self._register, key, decision.run_id) as run:
            _learn(run, [by.name, decision.approver, *filter(None, [decision.comment])])
            yield _in_the_clear(decision, run)

    @contextmanager
    def of_cancellation(self, cancellation: Cancellation) -> Generator[None]:
        """Have known who asks for it, and why, while the block lasts."""
        if self._register is None:
            yield
            return
        key = SessionKey(cancellation.tenant, cancellation.session_id)
        with self._working(self._register, key, cancellation.run_id) as run:
            _learn(run, list(filter(None, [cancellation.operator, cancellation.reason])))
            yield

    @contextmanager
    def of_expiry(self, expiry: Expiry) -> Generator[None]:
        """Have the run in hand while the block lasts; an expiry says nothing personal."""
        if self._register is None:
            yield
            return
        with self._working(self._register, SessionKey(expiry.tenant, expiry.session_id), expiry.run_id):
            yield

    def published(self, end: Said) -> Said:
        """Return what a run has to say, sealed; an outcome says what was stored of it, byte for byte."""
        if self._register is None:
            return end
        run = self._register.of(end.run_id)
        if isinstance(end, ApprovalRequest):
            return replace(
                end,
                arguments=run.seal(end.arguments),
                reason=run.seal_text(end.reason),
                requester=run.seal(end.requester),
                origins=run.seal(end.origins),
            )
        return ending.of_body(run.sealed[place.OUTCOME])

    @contextmanager
    def _working(self, register: Register, key: SessionKey, run_id: str) -> Generator[PersonalRun]:
        with register.working(key, run_id) as run:
            try:
                yield run
            except PointsmanError as error:
                # Its text goes into logs, and into the headers of dead letters.
                error.args = tuple(run.seal(part) if isinstance(part, str) else part for part in error.args)
                raise


def _learn(run: PersonalRun, values: list[Any]) -> None:
    try:
        run.learn(values)
    except TooManyValuesError as error:
        raise DeadLetterError(str(error), reason="personal_limit") from None
    except TypeError as error:
        raise DeadLetterError(str(error), reason="personal_unsealable") from None


def _in_the_clear(decision: ApprovalDecision, run: PersonalRun) -> ApprovalDecision:
    try:
        return replace(
            decision,
            arguments=run.open(decision.arguments),
            result=run.open(decision.result),
            comment=run.open_known(decision.comment),
        )
    except TokenError as error:
        raise DeadLetterError(
            f"the answer to {decision.request_id}: {error}; put in what it stands for, or leave it as it was asked",
            reason="approval_arguments",
        ) from None
