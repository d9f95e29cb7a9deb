"""A session store and a target system for simulated handlers: what took effect, in which order, under whose epoch."""

from dataclasses import dataclass, field

from consumers.errors import RetryError


class FencedError(RetryError):
    """Another worker has opened the event since."""


@dataclass(slots=True)
class Journaled:
    """What the store knows of one event."""

    epoch: int = 0
    steps: int = 0
    outcome: bytes | None = None


@dataclass(slots=True)
class SimJournal:
    """The store. Each method is one atomic step, as a Lua script is."""

    events: dict[str, Journaled] = field(default_factory=dict[str, Journaled])

    def open(self, event: str) -> tuple[int, Journaled]:
        """Take the event over; earlier owners are fenced."""
        entry = self.events.setdefault(event, Journaled())
        entry.epoch += 1
        return entry.epoch, entry

    def done(self, event: str, epoch: int, step: int) -> None:
        """Note that a step has its effect."""
        entry = self._held(event, epoch)
        entry.steps = max(entry.steps, step)

    def close(self, event: str, epoch: int, outcome: bytes) -> bytes:
        """Note the outcome; the one that was there before wins."""
        entry = self._held(event, epoch)
        entry.outcome = entry.outcome or outcome
        return entry.outcome

    def check(self, event: str, epoch: int) -> None:
        """Write an intent: only the newest owner may."""
        self._held(event, epoch)

    def _held(self, event: str, epoch: int) -> Journaled:
        entry = self.events[event]
        if entry.epoch != epoch:
            raise FencedError(f"{event}: epoch {epoch} is over", after_s=0.1)
        return entry


@dataclass(slots=True)
class SimTarget:
    """The system in which effects happen: it honours idempotency keys, so each happens once."""

    effects: dict[tuple[str, int], str] = field(default_factory=dict[tuple[str, int], str])
    """By event and step: who was first. In order."""

    def perform(self, event: str, step: int, by: str) -> None:
        """Let an effect happen, unless it has."""
        self.effects.setdefault((event, step), by)
