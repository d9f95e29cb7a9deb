"""`--reveal`: personal data in the clear, for whoever has the configuration's key."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import orjson

from consumers.app.config import Config
from consumers.app.privacy_keys import register
from consumers.cli.exits import fail
from consumers.cli.session_page import RunPage, SessionPage
from consumers.errors import ConfigurationError
from consumers.privacy.bodies import mapped
from consumers.session.context import Context
from consumers.session.key import SessionKey
from schemas.canonical import canonical_json

Reveal = Callable[[Any], Any]
"""Opens the tokens of a JSON-like value; one that does not open stays as it is."""


def revealing(config: Config, key: SessionKey) -> Reveal:
    """Return what opens the tokens of a session; ends the process where the configuration has no key."""
    try:
        known = register(config.privacy)
    except ConfigurationError as error:
        fail(str(error))
    if known is None:
        fail("--reveal needs `privacy.key`: the configuration has none, so nothing was replaced by tokens")
    return known.apart(key).reveal


def revealed_page(page: SessionPage, reveal: Reveal) -> SessionPage:
    """Return a session with what its runs and its memory say in the clear."""
    runs = [RunPage(run.run_id, replace(run.stored, entries=_entries(run, reveal))) for run in page.runs]
    memory: Mapping[str, Any] = orjson.loads(page.context.dump())
    return replace(page, runs=runs, context=Context.load(canonical_json(mapped(memory, reveal))))


def _entries(run: RunPage, reveal: Reveal) -> dict[str, Any]:
    return {at: mapped(body, reveal) for at, body in run.stored.entries.items()}
