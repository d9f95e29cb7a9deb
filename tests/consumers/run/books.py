"""A shop that keeps books: what it executed under which key, and whether that had been announced."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.errors import FailedError
from tests.consumers.run.shop_world import NOW, Ledger

WINDOW = timedelta(hours=24)
_NO_KEY = frozenset({"letter"})
"""Each time it is asked, it is done."""
_NATURAL = frozenset({"book", "drop", "refund"})
"""Done again, it is as it was."""


@dataclass
class Books(Ledger):
    """As a system with idempotency keys does it: it remembers what it said to a key, a refusal as well, for a day.

    Attributes:
        now: what time it is.
        refusing: whether what is asked now is refused.
        announced: whether an intent with this key is in a journal.
        executed: how often something took effect, by key.
        faults: what should not have been.
    """

    now: Callable[[], datetime] = lambda: NOW
    refusing: Callable[[], bool] = lambda: False
    announced: Callable[[str], bool] = lambda _key: True
    executed: Counter[str] = field(default_factory=Counter[str])
    faults: list[str] = field(default_factory=list[str])
    refused: set[str] = field(default_factory=set[str])
    _since: dict[str, datetime] = field(default_factory=dict[str, datetime])

    def write(self, key: str, what: str) -> None:
        self.sent.append((what, key))
        if not self.announced(key):
            self.faults.append(f"{what} was performed and its intent is in no journal")
        if key not in self.effects and (key in self.refused or self.refusing()):
            self.refused.add(key)
            raise FailedError(f"no {what} today", code="refused")
        forgotten = self.now() - self._since.setdefault(key, self.now()) >= WINDOW
        if key in self.effects and what not in _NO_KEY and (what in _NATURAL or not forgotten):
            return
        self.effects[key] = what
        self.executed[key] += 1
        if self.executed[key] > 1:
            self.faults.append(f"{what} took effect {self.executed[key]} times")
