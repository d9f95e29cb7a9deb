"""The fuse: it stops a worker before it empties a topic into the dead letters because something of ours is broken."""

from collections import deque

from consumers.errors import HaltError


class Fuse:
    """Counts how records end.

    Args:
        in_a_row: so many given up without one success in between blow it.
        ratio: this share given up among the last `window` records blows it.
        window: how many records the ratio looks at; before so many have ended, only `in_a_row` counts.
    """

    def __init__(self, *, in_a_row: int, ratio: float, window: int) -> None:
        self._in_a_row = in_a_row
        self._most = ratio * window
        self._window = window
        self._row = 0
        self._ends: deque[bool] = deque()
        self._given_up = 0

    def success(self) -> None:
        """Count a record that was worked."""
        self._row = 0
        self._count(given_up=False)

    def given_up(self, why: str) -> None:
        """Count a record that became a dead letter or was parked because it failed.

        Raises:
            HaltError: too many; the message says how many, and why the last one.
        """
        self._row += 1
        self._count(given_up=True)
        if self._row >= self._in_a_row:
            raise HaltError(
                f"{self._row} records in a row were given up (limits.dead_letters_in_a_row), the last one: {why}. "
                "The fault is likely ours: mend it, then start again; what was given up can be redriven"
            )
        if len(self._ends) == self._window and self._given_up >= self._most:
            raise HaltError(
                f"{self._given_up} of the last {self._window} records were given up (limits.dead_letter_ratio), "
                f"the last one: {why}. Mend the cause, then start again; what was given up can be redriven"
            )

    def _count(self, *, given_up: bool) -> None:
        if len(self._ends) == self._window:
            self._given_up -= self._ends.popleft()
        self._ends.append(given_up)
        self._given_up += given_up
