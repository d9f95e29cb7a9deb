"""The events of `bench-runtime`: about 300 bytes of JSON whose first fields have fixed places, so that reading them costs nothing."""

import random
import string
from collections.abc import Iterator
from dataclasses import dataclass

from aiokafka.partitioner import murmur2

PUBLISHED = "published"
"""Header of events whose latency counts: when they were published, in nanoseconds since 1970."""
NUMBER = slice(6, 14)
PARTITION = slice(21, 23)
OFFSET = slice(30, 38)
_FILLERS = 97
_FILLER_BYTES = 240


@dataclass(frozen=True, slots=True)
class Event:
    """One event, and the partition it belongs to."""

    partition: int
    key: bytes
    value: bytes


def key_of(number: int) -> bytes:
    return f"key-{number}".encode()


def partition_of(key: bytes, partitions: int) -> int:
    """Return where Java's and aiokafka's default partitioners put a key."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def events(count: int, keys: int, partitions: int) -> Iterator[Event]:
    """Yield events of a new topic, keys in turn.

    Each says the how manieth of its key it is, and which partition and offset it will have.
    """
    letters = random.Random(1)
    fillers = ["".join(letters.choices(string.ascii_letters, k=_FILLER_BYTES)) for _ in range(_FILLERS)]
    named = [key_of(number) for number in range(keys)]
    places = [partition_of(key, partitions) for key in named]
    offsets = [0] * partitions
    for index in range(count):
        turn, number = divmod(index, keys)
        place = places[number]
        value = f'{{"n":"{turn:08}","p":"{place:02}","o":"{offsets[place]:08}","note":"{fillers[index % _FILLERS]}"}}'
        offsets[place] += 1
        yield Event(place, named[number], value.encode())
