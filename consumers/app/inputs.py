"""Which topics the group of a configuration reads."""

from consumers.app.config import Config


def worked_topics(config: Config) -> frozenset[str]:
    """Return the topics whose records are worked: those of the routes, and that of people's answers."""
    return frozenset({config.kafka.approvals_topic, *(route.topic for route in config.routes)})


def read_topics(config: Config) -> frozenset[str]:
    """Return all topics that workers subscribe to: the same ones, and the way back of dead letters."""
    return worked_topics(config) | {config.kafka.redrive_topic}
