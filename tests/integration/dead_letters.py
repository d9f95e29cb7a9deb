"""The dead letters of a stage, all that there are."""

from consumers.adapters.kafka_reader import topic_reader
from schemas.dead_letter import DeadLetter, dead_letter_of
from tests.integration.stage import Stage


async def dead_letters(played: Stage) -> list[DeadLetter]:
    """Return what is on the topic of dead letters now."""
    async with topic_reader(played.connection) as source:
        return [dead_letter_of(record) async for record in source.to_end(["pointsman.dead-letters"])]
