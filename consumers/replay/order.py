"""Who ordered a job: its signature, by a key of `approvals.keys`, over everything that it may do. Pure."""

from dataclasses import dataclass

from consumers.errors import DeadLetterError, HaltError
from consumers.policy.approvers import Approver, Approvers, Signer
from consumers.replay.job import Job
from schemas.canonical import canonical_json
from schemas.jws import sign


@dataclass(frozen=True, slots=True)
class Order:
    """A job and its signature.

    Attributes:
        job: what is to be done.
        signature: a detached JWS over the whole job, or None.
    """

    job: Job
    signature: str | None = None


def signed(job: Job, signer: Signer) -> Order:
    """Return an order that nobody can change without its signature telling: not its spans, not its bounds."""
    return Order(job, sign(_payload(job), signer.private, signer.id))


def ordered_by(order: Order, approvers: Approvers) -> Approver:
    """Return who ordered a job that works events for real.

    Raises:
        HaltError: it is not signed and must be, the signature does not hold, or its key is another person's.
    """
    job = order.job
    try:
        return approvers.signer_of(
            _payload(job), order.signature, job.operator, f"the order of replay {job.id}"
        )
    except DeadLetterError as error:
        raise HaltError(
            f"{error}; order it with --key-file and --key-id, or a key in `approvals.sign_with`"
        ) from error


def _payload(job: Job) -> bytes:
    # The name keeps it apart from answers to questions, which the same keys sign.
    return canonical_json({"signs": "pointsman.replay.job", "job": job.document()})
