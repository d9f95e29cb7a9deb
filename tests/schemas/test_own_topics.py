"""The table of topics."""

from schemas.approval import DECIDED_TYPE, DOUBT_TYPE, REQUESTED_TYPE
from schemas.cancellation import CANCEL_TYPE
from schemas.difference import DIFFERENCE_TYPE
from schemas.expiry import EXPIRED_TYPE
from schemas.outcome import OUTCOME_TYPE
from schemas.registry.files import packaged_schemas
from schemas.step import STEP_TYPE
from schemas.topics import STEPS, TOPICS


def test_names_and_keys_are_unique() -> None:
    assert len({topic.name for topic in TOPICS}) == len({topic.key for topic in TOPICS}) == len(TOPICS) == 7


def test_every_message_of_ours_has_one_topic_and_a_schema() -> None:
    carried = [event_type for topic in TOPICS for event_type in topic.carries]
    assert sorted(carried) == sorted(
        {OUTCOME_TYPE, STEP_TYPE, REQUESTED_TYPE, DOUBT_TYPE, DECIDED_TYPE, EXPIRED_TYPE, CANCEL_TYPE}
        | {DIFFERENCE_TYPE}
    )
    assert set(carried) <= {file.type for file in packaged_schemas()}


def test_settings_are_named_as_kafka_names_them() -> None:
    assert STEPS.settings == {"cleanup.policy": "delete", "retention.ms": "7776000000"}
