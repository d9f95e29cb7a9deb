"""Giving records up: dead letters, parked letters, and marks on the parked topic."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from consumers.errors import DeadLetterError, HaltError
from consumers.ports.clock import Clock
from consumers.runtime.partition import End, Item, Mode
from schemas.dead_letter import Convention, DeadLetter, dead_letter_headers, without_value
from schemas.errors import UnreadableError
from schemas.parked import Mark, ParkedKey, mark_of
from schemas.record import Outgoing, UnreadBatch
from schemas.redriven import redriven_of


@dataclass(frozen=True, slots=True)
class Letters:
    """Decides what is published for an item, and how it ends; nothing is sent here.

    Attributes:
        dead_letters_topic: where dead letters go.
        parked_topic: where parked records go.
        clock: for the time of giving up.
        convention: whose header names are added to our own, if any.
        redrive_topic: where dead letters come back from, if they do.
    """

    dead_letters_topic: str
    parked_topic: str
    clock: Clock
    convention: Convention | None = None
    redrive_topic: str | None = None

    def worked(self, item: Item, outputs: Sequence[Outgoing]) -> None:
        """Let an item end with what its handler returned."""
        self._end(item, End.DONE, outputs)

    def bury(self, item: Item, error: DeadLetterError) -> None:
        """Let an item end as a dead letter: key, value and headers as they were, and the reason.

        One that was redriven is the letter of its original again, one round later.
        """
        letter = DeadLetter(item.record, error.reason, str(error), item.attempts, self.clock.now())
        if self.is_redriven(item):
            with contextlib.suppress(UnreadableError):  # nobody redrove it: it is a letter of what lies there
                redriven = redriven_of(item.record)
                letter = replace(letter, record=redriven.record, rounds=redriven.round)
        self._end(item, End.DEAD, [self._published(self.dead_letters_topic, letter)], error)

    def park(self, item: Item, error: DeadLetterError) -> None:
        """Let an item end on the parked topic, and its lane's other records behind it.

        One that was parked before is there already: its key is only held again.
        """
        if item.place is None:
            item.lane.mode = Mode.PARKED
            parked = DeadLetter(item.record, error.reason, str(error), item.attempts, self.clock.now())
            letter = self._published(self.parked_topic, parked)
        else:
            letter = self._mark(item, "hold")
        self._end(item, End.PARKED, [letter], error)

    def is_redriven(self, item: Item) -> bool:
        """Whether an item came by the topic of redriven records."""
        return item.record.topic == self.redrive_topic

    def rewrite(self, item: Item, refused: DeadLetterError) -> None:
        """Replace outputs that the broker does not take, ever: by a dead letter, and that by one without its value.

        Raises:
            HaltError: it is the one without value that was refused.
        """
        letter = item.outputs[0] if item.outputs else None
        if item.end is not End.DEAD:
            if item.end is End.PARKED and item.attempts and item.place is None:
                item.lane.mode = Mode.WORKED  # it was the first to be parked: nothing of its key is
            self.bury(item, refused)
        elif letter is not None and letter.value:
            self._end(item, End.DEAD, [without_value(letter)], item.error)
        else:
            raise HaltError(f"{item.record.place}: not even its dead letter is taken: {refused}") from refused

    def _end(
        self, item: Item, end: End, outputs: Sequence[Outgoing], error: DeadLetterError | None = None
    ) -> None:
        item.outputs, item.end, item.error = tuple(outputs), end, error
        if item.place is not None and end is not End.PARKED:
            item.outputs = (*item.outputs, self._mark(item, "worked"))

    def _mark(self, item: Item, mark: Mark) -> Outgoing:
        assert item.place is not None
        record = item.record
        key = ParkedKey(record.topic, record.partition, record.key or b"")
        return mark_of(self.parked_topic, key, mark, item.place[1] if mark == "worked" else -1)

    def _published(self, topic: str, letter: DeadLetter) -> Outgoing:
        headers = dead_letter_headers(letter, self.convention)
        value = letter.record.value
        if isinstance(value, UnreadBatch):
            value = bytes(value)  # producers take no kind of bytes but the plain one
        return Outgoing(topic, letter.record.key, value, headers)
