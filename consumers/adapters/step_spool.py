"""Steps sorted by session in a temporary file, for topics that are larger than memory."""

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Self

import orjson

from consumers.session.key import SessionKey
from consumers.session.refold import Told
from schemas.step import Step

_TABLE: Final = """
create table steps (
    tag text, number integer, tenant text, session_id text,
    run_id text, place text, epoch integer, body blob, memory blob,
    primary key (tag, number)
) without rowid
"""
_SORTED: Final = "select * from steps order by tag, number"


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

    def add(self, steps: Sequence[Step]) -> None:
        """Add steps, in the order of the topic."""
        self._database.execute("begin")
        self._database.executemany(
            "insert into steps values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [_row(number, step) for number, step in enumerate(steps, start=self._count)],
        )
        self._database.execute("commit")
        self._count += len(steps)

    def count(self) -> int:
        """Return how many sessions there are."""
        return int(self._database.execute("select count(distinct tag) from steps").fetchone()[0])

    def sessions(self) -> Iterator[tuple[SessionKey, list[Told]]]:
        """Yield each session with its steps, in the order of the topic."""
        for _, rows in groupby(self._database.execute(_SORTED), key=lambda row: row[0]):
            found = list(rows)
            yield SessionKey(found[0][2], found[0][3]), [_told(row) for row in found]


def _row(number: int, step: Step) -> tuple[Any, ...]:
    key = SessionKey(step.tenant, step.session_id)
    memory = None if step.memory is None else orjson.dumps(step.memory)
    body = orjson.dumps(step.body)
    return key.tag, number, key.tenant, key.session_id, step.run_id, step.place, step.epoch, body, memory


def _told(row: Sequence[Any]) -> Told:
    *_, run_id, place, epoch, body, memory = row
    return Told(run_id, place, orjson.loads(body), epoch, None if memory is None else orjson.loads(memory))
