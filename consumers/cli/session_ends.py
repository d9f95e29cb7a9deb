"""`pointsman sessions cancel` and `erase`: what an operator does to a session."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import typer

from consumers.app.config import Config, Redis
from consumers.app.connections import outbox, record_codec
from consumers.cli.exits import fail, load, perform
from consumers.cli.screen import err, plain, print_json
from consumers.cli.sessions import store
from consumers.errors import RetryError
from consumers.ports.clock import SystemClock
from consumers.ports.sessions import Body, Entry, RunsOpenError
from consumers.run.record import step_from_outside
from consumers.session import place
from consumers.session.key import SessionKey
from schemas.cancellation import Cancellation

Runs = Mapping[str, Mapping[str, Body]]


def cancel(
    config: Path, session: str, *, tenant: str, run: str | None, operator: str, reason: str, as_json: bool
) -> None:
    """Publish the word that ends a run, and say what it will mean."""
    settings = load(config).config
    key = SessionKey(tenant, session)
    chosen, entries = _the_one(perform(_unfinished(settings.redis, key, run)), run, session, tenant)
    word = Cancellation(chosen, tenant, session, operator, reason, SystemClock().now())
    perform(_publish(settings, word))
    doubts = [at for at in entries if at.endswith("/doubt") and f"{at}.answer" not in entries]
    if as_json:
        print_json({"run": chosen, "session": session, "tenant": tenant, "waits_for": doubts})
        return
    err().print(f"run {plain(chosen)} is being cancelled; its finished writes are undone", markup=False)
    if doubts:
        err().print(
            "an action of it is in doubt, and nothing is undone before it is known what became of it: "
            "`pointsman approvals list` shows it",
            markup=False,
        )


def erase(config: Path, session: str, *, tenant: str, yes: bool, as_json: bool) -> None:
    """Erase what Redis has of a session, and have the steps topic say so."""
    settings = load(config).config
    if not yes:
        typer.confirm(
            f"Erase session {session} of tenant {tenant}? It cannot be undone", abort=True, err=True
        )
    runs = perform(_erase(settings, SessionKey(tenant, session)))
    if not runs:
        fail(f"no session {session} of tenant {tenant}; `pointsman sessions list` shows them")
    if as_json:
        print_json({"session": session, "tenant": tenant, "runs": len(runs)})
    else:
        err().print(
            f"erased; of its {len(runs)} runs only their ids are left, so that none is worked again. "
            "What topics hold stays until their retention ends.",
            markup=False,
        )


async def _unfinished(settings: Redis, key: SessionKey, named: str | None) -> Runs:
    async with store(settings) as (sessions, listing):
        # A run that waits is kept for longer than the list of the session's runs.
        names = {*await listing.run_ids(key), *([named] if named else ())}
        runs = {run: await sessions.read(key, run) for run in names}
    over = {place.OUTCOME, place.ERASED}
    return {run: entries for run, entries in runs.items() if entries and not over & entries.keys()}


def _the_one(runs: Runs, run: str | None, session: str, tenant: str) -> tuple[str, Mapping[str, Body]]:
    found = [each for each in runs if run is None or each.startswith(run)]
    if not found:
        fail(f"session {session} of tenant {tenant} has no unfinished run{f' {run}' if run else ''}")
    if len(found) > 1:
        fail(f"session {session} has {len(found)} unfinished runs; say --run with one of {', '.join(found)}")
    return found[0], runs[found[0]]


async def _publish(settings: Config, word: Cancellation) -> None:
    async with AsyncExitStack() as stack:
        codec = await record_codec(settings, stack)
        await (await outbox(settings, codec, stack)).cancellation(word)


async def _erase(settings: Config, key: SessionKey) -> Sequence[str]:
    at = SystemClock().now()
    async with AsyncExitStack() as stack:
        codec = await record_codec(settings, stack)
        steps = await outbox(settings, codec, stack)
        sessions, _ = await stack.enter_async_context(store(settings.redis))
        try:
            runs = await sessions.erase(key, at)
        except RunsOpenError as error:
            fail(str(error))
        except RetryError as error:
            fail(f"{error}; try again")
        try:
            erased = Entry(place.ERASED, {"at": at.isoformat()})
            await steps.steps([step_from_outside(key, run, erased, at) for run in runs])
        except RetryError as error:
            fail(f"erased in Redis, but the steps topic does not say so yet: {error}; run it again")
    return runs
