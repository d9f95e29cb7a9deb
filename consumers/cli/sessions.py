"""`pointsman sessions`: what Redis knows of sessions and their runs."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.text import Text

from consumers.adapters.redis_sessions import RedisSessions
from consumers.adapters.redis_sessions_listing import RedisSessionsListing, SessionSummary
from consumers.app.config import Redis
from consumers.app.redis_login import redis_client
from consumers.cli.exits import fail, load, perform
from consumers.cli.reveal import revealed_page, revealing
from consumers.cli.screen import out, print_json, styled, table
from consumers.cli.session_page import SessionPage, pages
from consumers.ports.sessions import SessionDamagedError
from consumers.session.context import Context
from consumers.session.key import SessionKey
from schemas.codec.values import iso


def list_sessions(config: Path, *, most: int, as_json: bool) -> None:
    """Print sessions, the ones that moved last first."""
    found = perform(_list(load(config).config.redis, most))
    if as_json:
        print_json([_summary(session) for session in found])
        return
    made = table("session", "tenant", "last moved", "worked now")
    for session in found:
        busy = session.holder is not None and session.lease_until > datetime.now(UTC)
        made.add_row(
            _name(session),
            styled(session.key.tenant if session.key else ""),
            _local(session.updated_at),
            styled(session.holder or "", "green") if busy else "",
        )
    out().print(made if found else "no sessions")


def show(config: Path, session: str, *, tenant: str, as_json: bool, reveal: bool = False) -> None:
    """Print what is told of a session, and the timeline of each run."""
    settings, key = load(config).config, SessionKey(tenant, session)
    opens = revealing(settings, key) if reveal else None
    page = perform(_page(settings.redis, key))
    page = revealed_page(page, opens) if opens else page
    if not page.runs and not page.problems:
        fail(f"no session {session} of tenant {tenant}; `pointsman sessions list` shows them")
    if as_json:
        print_json(page.document())
    else:
        page.print_to(out())


async def _list(settings: Redis, most: int) -> list[SessionSummary]:
    async with store(settings) as (_, listing):
        found = {session.key or id(session): session async for session in listing.list_sessions(most)}
    return sorted(found.values(), key=lambda session: session.updated_at, reverse=True)


async def _page(settings: Redis, key: SessionKey) -> SessionPage:
    """Return what Redis has of a session, and what of it cannot be read."""
    problems: list[str] = []
    async with store(settings) as (_, listing):
        runs = pages({run: await listing.journal(key, run) for run in await listing.run_ids(key)})
        try:
            context = await listing.context(key)
        except SessionDamagedError as error:
            context = Context()
            problems.append(str(error))
    return SessionPage(key, runs, context, problems)


@asynccontextmanager
async def store(settings: Redis) -> AsyncGenerator[tuple[RedisSessions, RedisSessionsListing]]:
    """Connect to the sessions in Redis, for one command."""
    async with redis_client(settings, name="pointsman-cli") as client:
        yield RedisSessions(client, ttl_s=settings.ttl_days * 86_400), RedisSessionsListing(client)


def _name(session: SessionSummary) -> Text:
    if session.problem:
        return styled(f"damaged: {session.problem}", "red")
    return styled(session.key.session_id, "bold") if session.key else styled("erased", "dim")


def _summary(session: SessionSummary) -> dict[str, Any]:
    return {
        "session": session.key.session_id if session.key else None,
        "tenant": session.key.tenant if session.key else None,
        "updated_at": iso(session.updated_at),
        "holder": session.holder,
        "problem": session.problem,
        "lease_until": iso(session.lease_until) if session.holder else None,
    }


def _local(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
