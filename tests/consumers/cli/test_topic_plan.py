"""Which topics a configuration needs."""

from typing import Any

from consumers.app.config import Config
from consumers.cli.topic_plan import ActualTopic, differences, plan
from schemas.topics import STEPS

ROUTE = {"topic": "orders", "event": "order.requested", "goal": "g", "actions": ["erp.check_stock"]}


def config(*routes: dict[str, Any], **sections: Any) -> Config:
    model = {"base_url": "http://127.0.0.1:1/v1", "name": "m"}
    return Config(model=model, connectors={}, routes=routes, **sections)  # pyright: ignore[reportArgumentType] # validated by pydantic


def test_every_topic_of_the_configuration_is_planned_once() -> None:
    planned = plan(config(ROUTE, {**ROUTE, "event": "order.cancelled"}))
    assert [(topic.name, topic.role) for topic in planned] == [
        ("orders", "input"),
        ("pointsman.outcomes", "outcomes"),
        ("pointsman.steps", "steps"),
        ("pointsman.approvals", "approvals"),
        ("pointsman.dead-letters", "dead-letters"),
        ("pointsman.parked", "parked"),
        ("pointsman.differences", "differences"),
        ("pointsman.redrive", "redrive"),
    ]
    assert planned[0].carries == ("order.requested", "order.cancelled")


def test_names_of_the_configuration_are_used() -> None:
    made = config({**ROUTE, "output": "done"}, kafka={"steps_topic": "audit"})
    assert {"orders", "done", "audit"} <= {topic.name for topic in plan(made)}


def test_own_topics_get_the_settings_of_the_table_and_inputs_none() -> None:
    by_role = {topic.role: topic for topic in plan(config(ROUTE), input_partitions=12)}
    assert by_role["steps"].settings == STEPS.settings
    assert by_role["input"].settings == {}
    assert by_role["input"].partitions == 12


def test_shorter_retention_and_fewer_partitions_are_differences_more_partitions_are_not() -> None:
    (steps,) = (topic for topic in plan(config(ROUTE)) if topic.role == "steps")
    as_planned = ActualTopic(steps.name, 50, 3, steps.settings)
    other = ActualTopic(steps.name, 1, 3, {**steps.settings, "retention.ms": "1000"})
    assert differences(steps, as_planned) == []
    assert len(differences(steps, other)) == 2
