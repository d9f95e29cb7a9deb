"""Where a replay may publish what comes of it."""

from consumers.app.config import Config
from consumers.app.inputs import read_topics
from consumers.errors import HaltError
from consumers.replay.mode import Mode


def refuse_output(config: Config, mode: Mode, topic: str) -> None:
    """Refuse a topic where what a replay publishes would be taken for something else, or be worked.

    Raises:
        HaltError: it is; names the topic and the way out.
    """
    kafka = config.kafka
    others = read_topics(config) | {kafka.steps_topic, kafka.dead_letters_topic, kafka.parked_topic}
    if mode is Mode.SHADOW:
        others |= {route.output for route in config.routes}
    else:
        others |= {kafka.differences_topic}
    if topic in others:
        raise HaltError(f"{topic} is a topic of something else: name another one with --output")
