"""Who ordered a job: proven by a signature over all of it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from consumers.errors import HaltError
from consumers.policy.approvers import ApproverKey, Approvers, Signer
from consumers.replay.chosen import Chosen
from consumers.replay.job import Bounds, Job
from consumers.replay.mode import Mode
from consumers.replay.order import Order, ordered_by, signed
from schemas.jws import new_pair, private_key, public_key

PRIVATE, PUBLIC = new_pair()
SIGNER = Signer("ada-1", private_key(PRIVATE))
KEYS = [ApproverKey("ada-1", "Ada", frozenset({"finance"}), public_key(PUBLIC))]
JOB = Job(
    id="20261128-153000-5f0c1a2b",
    mode=Mode.BACKFILL,
    topic="erp.orders",
    spans={0: (0, 10)},
    chosen=Chosen(types=frozenset({"order.requested"})),
    output=None,
    operator="Ada",
    ordered_at=datetime(2026, 11, 28, 15, 30, tzinfo=UTC),
    bounds=Bounds(effects=10, usd=1.0),
)


def test_a_signed_order_is_that_persons() -> None:
    by = ordered_by(signed(JOB, SIGNER), Approvers(KEYS))
    assert (by.name, by.key) == ("Ada", "ada-1")


@pytest.mark.parametrize(
    "changed",
    [
        replace(JOB, bounds=Bounds(effects=1_000, usd=1.0)),
        replace(JOB, spans={0: (0, 1_000)}),
        replace(JOB, mode=Mode.RESUME),
        replace(JOB, chosen=Chosen()),
        replace(JOB, id="20261128-153000-5f0c1a2c"),
        replace(JOB, output="elsewhere"),
    ],
)
def test_a_job_that_was_changed_since_is_nobodys(changed: Job) -> None:
    with pytest.raises(HaltError, match="of something else"):
        ordered_by(Order(changed, signed(JOB, SIGNER).signature), Approvers(KEYS))


def test_nobody_orders_in_anothers_name() -> None:
    with pytest.raises(HaltError, match="key ada-1 is Ada's"):
        ordered_by(signed(replace(JOB, operator="Bob"), SIGNER), Approvers(KEYS))


def test_an_unsigned_order_counts_only_where_unsigned_answers_do() -> None:
    with pytest.raises(HaltError, match="--key-file"):
        ordered_by(Order(JOB), Approvers(KEYS))
    with pytest.raises(HaltError, match="has a key"):
        ordered_by(Order(JOB), Approvers(KEYS, unsigned=True))
    assert ordered_by(Order(replace(JOB, operator="Bob")), Approvers(KEYS, unsigned=True)).name == "Bob"
