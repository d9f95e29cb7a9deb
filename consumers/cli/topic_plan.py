"""Which topics a configuration needs, and how each should be made. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from consumers.app.config import Config
from schemas.topics import APPROVALS, DEAD_LETTERS, DIFFERENCES, OUTCOMES, PARKED, REDRIVE, STEPS, Topic

Role = Literal["input", "outcomes", "steps", "approvals", "dead-letters", "parked", "differences", "redrive"]

INPUT_PARTITIONS: Final = 6
"""For input topics that do not exist yet: the most workers that can share one, unless asked otherwise."""


@dataclass(frozen=True, slots=True)
class PlannedTopic:
    """One topic of a configuration.

    Attributes:
        name: on Kafka.
        role: what it is to us.
        partitions: how many it gets if it is made now.
        settings: as Kafka names them; empty leaves all to the broker.
        carries: event types on it.
        why: what it is for.
    """

    name: str
    role: Role
    partitions: int
    settings: Mapping[str, str]
    carries: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class ActualTopic:
    """One topic as it is on the cluster."""

    name: str
    partitions: int
    replicas: int
    settings: Mapping[str, str]


def plan(config: Config, *, input_partitions: int = INPUT_PARTITIONS) -> tuple[PlannedTopic, ...]:
    """Return every topic the configuration names, inputs first, each once."""
    planned: dict[str, PlannedTopic] = {}
    for topic in dict.fromkeys(route.topic for route in config.routes):
        types = tuple(route.event for route in config.routes if route.topic == topic)
        # Retention of business events is their publishers' decision: the broker's default stands.
        planned[topic] = PlannedTopic(
            topic, "input", input_partitions, {}, types, "Events that a route works."
        )
    for output in dict.fromkeys(route.output for route in config.routes):
        planned.setdefault(output, _own(OUTCOMES, output, "outcomes"))
    kafka = config.kafka
    planned.setdefault(kafka.steps_topic, _own(STEPS, kafka.steps_topic, "steps"))
    planned.setdefault(kafka.approvals_topic, _own(APPROVALS, kafka.approvals_topic, "approvals"))
    planned.setdefault(kafka.dead_letters_topic, _own(DEAD_LETTERS, kafka.dead_letters_topic, "dead-letters"))
    planned.setdefault(kafka.parked_topic, _own(PARKED, kafka.parked_topic, "parked"))
    planned.setdefault(kafka.differences_topic, _own(DIFFERENCES, kafka.differences_topic, "differences"))
    planned.setdefault(kafka.redrive_topic, _own(REDRIVE, kafka.redrive_topic, "redrive"))
    return tuple(planned.values())


def differences(planned: PlannedTopic, actual: ActualTopic) -> list[str]:
    """Return what an existing topic has otherwise than planned, each as one phrase.

    Partitions count only where there are fewer: more are somebody's decision.
    """
    found = [
        f"{name} is {actual.settings[name]}, planned {value}"
        for name, value in planned.settings.items()
        if actual.settings.get(name, value) != value
    ]
    if planned.role != "input" and actual.partitions < planned.partitions:
        found.append(f"{actual.partitions} partitions, planned {planned.partitions}")
    return found


def _own(topic: Topic, name: str, role: Role) -> PlannedTopic:
    return PlannedTopic(name, role, topic.partitions, topic.settings, topic.carries, topic.why)
