"""What sessions remembered when their runs began, in a temporary file: for more of them than fit into memory."""

import sqlite3
import tempfile
import zlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final, Self

from consumers.session.context import Context
from consumers.session.key import SessionKey
from consumers.session.learning import after, is_of_run, teaches
from schemas.step import Step

_TABLES: Final = (
    "create table now (tag text primary key, context blob) without rowid",
    "create table before (run_id text primary key, context blob) without rowid",
)


class RememberedSpool:
    """A context manager; the file is gone after it. Its reads and writes block for milliseconds.

    Args:
        types: of events whose runs are asked for later; of others only what they taught their sessions is kept.
    """

    def __init__(self, types: Collection[str]) -> None:
        self._types = frozenset(types)

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="pointsman-remembered-")
        self._database = sqlite3.connect(Path(self._folder.name) / "remembered.db", isolation_level=None)
        # A temporary file need not outlive a crash.
        self._database.execute("pragma journal_mode = off")
        self._database.execute("pragma synchronous = off")
        for table in _TABLES:
            self._database.execute(table)
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()
        self._folder.cleanup()

    def add(self, steps: Sequence[Step]) -> None:
        """Follow steps, in the order of the topic."""
        self._database.execute("begin")
        for step in filter(is_of_run, steps):
            self._take(step)
        self._database.execute("commit")

    def before(self, run_id: str) -> Context:
        """Return what the session of a run remembered when it began; an empty context where nothing is known."""
        return self._context("select context from before where run_id = ?", run_id)

    def _take(self, step: Step) -> None:
        tag = SessionKey(step.tenant, step.session_id).tag
        if step.event_type in self._types:
            self._database.execute(
                "insert or ignore into before select ?, (select context from now where tag = ?)",
                (step.run_id, tag),
            )
        if teaches(step):
            learnt = after(self._context("select context from now where tag = ?", tag), step)
            row = (tag, zlib.compress(learnt.dump(), 1))
            self._database.execute("insert or replace into now values (?, ?)", row)

    def _context(self, query: str, key: str) -> Context:
        row = self._database.execute(query, (key,)).fetchone()
        return Context() if row is None or row[0] is None else Context.load(zlib.decompress(row[0]))
