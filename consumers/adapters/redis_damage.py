"""What Redis holds of a session, read; what cannot be read is the session's trouble alone. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from redis.exceptions import ResponseError

from consumers.errors import UnavailableError
from consumers.ports.sessions import Body, SessionDamagedError
from consumers.session.context import Context
from consumers.session.key import SessionKey
from consumers.session.stored import DamagedError, read_journal

_OF_KEYS: Final = re.compile("WRONGTYPE|attempt to ")
"""In what a script says that met a key of another type, or no number where one must be."""


def context_of(key: SessionKey, data: bytes | None) -> Context:
    """Read a context; raises SessionDamagedError."""
    try:
        return Context.load(data)
    except DamagedError as error:
        raise SessionDamagedError.of_context(key, error) from error


def entries_of(key: SessionKey, run_id: str, flat: Sequence[bytes]) -> Mapping[str, Body]:
    """Read a journal's hash, given as names and values in turn; raises SessionDamagedError."""
    try:
        return read_journal(dict(zip(flat[::2], flat[1::2], strict=True))).whole()
    except DamagedError as error:
        raise SessionDamagedError.of_journal(key, run_id, error) from error


def damage_of(key: SessionKey, error: UnavailableError) -> SessionDamagedError | None:
    """Return what is wrong with a session's keys, or None where the error is about something else."""
    if not is_of_keys(error):
        return None
    fix = "restore these keys; the steps topic has every entry of its runs"
    return SessionDamagedError(key, f"pointsman:{{{key.tag}}}:*", str(error.__cause__), fix)


def is_of_keys(error: UnavailableError) -> bool:
    """Whether Redis answered, and what it met is a key that holds something else than it must."""
    cause = error.__cause__
    return isinstance(cause, ResponseError) and _OF_KEYS.search(str(cause)) is not None
