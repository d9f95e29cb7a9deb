"""Steps sorted by session in a temporary file, for topics that are larger than memory."""

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby, repeat
from operator import itemgetter
from pathlib import Path
from typing import Final, Self

import orjson

from consumers.session.key import SessionKey
from schemas.step import Step, StepKind

_TABLE: Final = (
    "create table steps"
    " (tag text, number integer, place text, step blob, primary key (tag, number)) without rowid"
)
_SORTED: Final = "select tag, place, step from steps order by tag, number"


class StepSpool:
    """A context manager; the file is gone after it. Its reads and writes block for milliseconds."""

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="pointsman-steps-")
        self._database = sqlite3.connect(Path(self._folder.name) / "steps.db", isolation_level=None)
        # A temporary file need not outlive a crash.
        self._database.execute("pragma journal_mode = off")
        self._database.execute("pragma synchronous = off")
        self._database.execute(_TABLE)
        self._count = 0
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()
        self._folder.cleanup()

    def add(self, steps: Sequence[Step], where: Sequence[str] = ()) -> None:
        """Add steps, in the order of the topic, and where they stand if that is asked for later."""
        rows = enumerate(zip(steps, where or repeat(""), strict=False), self._count)
        self._database.execute("begin")
        self._database.executemany(
            "insert into steps values (?, ?, ?, ?)",
            [(_key(step).tag, number, at, orjson.dumps(step)) for number, (step, at) in rows],
        )
        self._database.execute("commit")
        self._count += len(steps)

    def count(self) -> int:
        """Return how many sessions there are."""
        return int(self._database.execute("select count(distinct tag) from steps").fetchone()[0])

    def sessions(self) -> Iterator[tuple[SessionKey, list[Step]]]:
        """Yield each session with its steps, in the order of the topic."""
        for key, told in self.told():
            yield key, [step for _, step in told]

    def told(self) -> Iterator[tuple[SessionKey, list[tuple[str, Step]]]]:
        """Yield each session with its steps and where they stand, in the order of the topic."""
        for _, rows in groupby(self._database.execute(_SORTED), key=itemgetter(0)):
            told = [(where, _step(stored)) for _, where, stored in rows]
            yield _key(told[0][1]), told


def _key(step: Step) -> SessionKey:
    return SessionKey(step.tenant, step.session_id)


def _step(stored: bytes) -> Step:
    fields = orjson.loads(stored)
    fields["kind"] = StepKind(fields["kind"])
    fields["at"] = datetime.fromisoformat(fields["at"])
    return Step(**fields)
