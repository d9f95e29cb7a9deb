"""`pointsman sessions`: what Redis knows of sessions and their runs."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from consumers.adapters.redis_connection import connect
from consumers.adapters.redis_sessions import RedisSessions
from consumers.adapters.redis_sessions_listing import RedisSessionsListing, SessionSummary
from consumers.app.config import Redis
from consumers.app.connections import secret
from consumers.cli.exits import fail, load, perform
from consumers.cli.screen import out, plain, print_json, styled, table
from consumers.cli.session_timeline import Moment, timeline
from consumers.ports.sessions import Body
from consumers.session import place
from consumers.session.context import Context
from consumers.session.key import SessionKey
from schemas.codec.values import iso


@dataclass(frozen=True, slots=True)
class History:
    """A session: its runs with their journals, and what it remembers."""

    runs: Mapping[str, Mapping[str, Body]]
    context: Context


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
            styled(session.key.session_id, "bold") if session.key else styled("erased", "dim"),
            styled(session.key.tenant if session.key else ""),
            _local(session.updated_at),
            styled(session.holder or "", "green") if busy else "",
        )
    out().print(made if found else "no sessions")


def show(config: Path, session: str, *, tenant: str, as_json: bool) -> None:
    """Print the timeline of a session's runs."""
    history = perform(_history(load(config).config.redis, SessionKey(tenant, session)))
    if not history.runs:
        fail(f"no session {session} of tenant {tenant}; `pointsman sessions list` shows them")
    runs = {run: timeline(entries) for run, entries in history.runs.items()}
    runs = dict(sorted(runs.items(), key=lambda item: item[1][0].at))
    if as_json:
        documents = [
            {"run": run, "timeline": [_document(m) for m in moments]} for run, moments in runs.items()
        ]
        print_json({"session": session, "tenant": tenant, "runs": documents, "context": history.context.runs})
        return
    for run, moments in runs.items():
        _print_run(run, moments, history.runs[run].get(place.OUTCOME))


async def _list(settings: Redis, most: int) -> list[SessionSummary]:
    async with store(settings) as (_, listing):
        found = {session.key: session async for session in listing.list_sessions(most)}
    return sorted(found.values(), key=lambda session: session.updated_at, reverse=True)


async def _history(settings: Redis, key: SessionKey) -> History:
    """Return what Redis has of a session."""
    async with store(settings) as (sessions, listing):
        runs = {run: await sessions.read(key, run) for run in await listing.run_ids(key)}
        return History({run: entries for run, entries in runs.items() if entries}, await listing.context(key))


@asynccontextmanager
async def store(settings: Redis) -> AsyncGenerator[tuple[RedisSessions, RedisSessionsListing]]:
    """Connect to the sessions in Redis, for one command."""
    password = secret(settings.password, "redis.password").get_secret_value()
    client = connect(settings.url, password=password or None, name="pointsman-cli")
    try:
        yield RedisSessions(client, ttl_s=settings.ttl_days * 86_400), RedisSessionsListing(client)
    finally:
        await client.aclose()


def _print_run(run: str, moments: list[Moment], outcome: Body | None) -> None:
    console = out()
    status = outcome["status"] if outcome else "not finished"
    console.print(f"run [bold]{plain(run)}[/bold]  {plain(status)}")
    made = table("at", "what", "action", "says", "cost", right=["cost"])
    for moment in moments:
        made.add_row(
            moment.at.astimezone().strftime("%H:%M:%S.%f")[:-3],
            styled(moment.kind, "red" if moment.failed else "cyan"),
            styled(moment.action),
            styled(moment.says),
            f"${moment.cost_usd:.4f}" if moment.cost_usd else "",
        )
    console.print(made)


def _summary(session: SessionSummary) -> dict[str, Any]:
    return {
        "session": session.key.session_id if session.key else None,
        "tenant": session.key.tenant if session.key else None,
        "updated_at": iso(session.updated_at),
        "holder": session.holder,
        "lease_until": iso(session.lease_until) if session.holder else None,
    }


def _document(moment: Moment) -> dict[str, Any]:
    said = {name: getattr(moment, name) for name in moment.__slots__}
    return {**said, "at": iso(moment.at)}


def _local(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
