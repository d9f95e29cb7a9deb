"""The runs in hand, and what is known of each: nothing is remembered of a run that is not worked."""

from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from consumers.privacy import patterns
from consumers.privacy.known import MOST, Known
from consumers.privacy.run import PersonalRun
from consumers.privacy.token import Keys
from consumers.session.key import SessionKey

HIDDEN: Final = "(personal)"
"""What a log says in place of a value."""
_RECENT: Final = 64
"""Runs that were left: a line about one may be logged a moment later."""


class Register:
    """Finds what is known of a run. For one event loop.

    Args:
        keys: seal and open.
        most: values that may be learnt of one run.
    """

    def __init__(self, keys: Keys, *, most: int = MOST) -> None:
        self._keys = keys
        self._most = most
        self._runs: dict[str, tuple[PersonalRun, int]] = {}
        self._recent: deque[Known] = deque(maxlen=_RECENT)

    @contextmanager
    def working(self, key: SessionKey, run_id: str) -> Generator[PersonalRun]:
        """Keep what is known of a run while the block lasts; several blocks of a run share it."""
        run, blocks = self._runs.get(run_id) or (self.apart(key), 0)
        self._runs[run_id] = (run, blocks + 1)
        try:
            yield run
        finally:
            run, blocks = self._runs.pop(run_id)
            if blocks > 1:
                self._runs[run_id] = (run, blocks - 1)
            else:
                self._recent.append(run.known)

    def of(self, run_id: str) -> PersonalRun:
        """Return what is known of a run in hand.

        Raises:
            LookupError: it is not in hand: then nobody knows what is personal, and nothing may be written.
        """
        found = self._runs.get(run_id)
        if found is None:
            raise LookupError(f"run {run_id} is not in hand")
        return found[0]

    def apart(self, key: SessionKey) -> PersonalRun:
        """Return what seals and opens for a session, and knows nothing yet."""
        return PersonalRun(self._keys.of(key), Known(self._most))

    def hide(self, text: str) -> str:
        """Return a line for a log without any value that is known of a run in hand, or was until lately."""
        known = [*(run.known for run, _ in self._runs.values()), *self._recent]
        spans = [*patterns.found(text), *(span for each in known for span in each.spans(text))]
        parts: list[str] = []
        at = 0
        for begin, end, _ in sorted(spans):
            if begin >= at:
                parts += [text[at:begin], HIDDEN]
            at = max(at, end)
        return "".join([*parts, text[at:]])
