"""`pointsman sessions verify`: is the chain of steps whole, from what Redis has back to its beginning."""

from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import typer

from consumers.adapters.kafka_steps import KafkaSteps
from consumers.adapters.own_messages import OWN_TENANT
from consumers.adapters.step_spool import StepSpool
from consumers.app.config import Config
from consumers.app.connections import codec_of, kafka_connection
from consumers.cli.exits import FAILED, fail, load, perform
from consumers.cli.screen import err, out, print_json, progress_bar, styled, table
from consumers.cli.sessions import store
from consumers.ports.sessions import SessionDamagedError
from consumers.session.key import SessionKey
from consumers.session.proof import Proof, Told, verify
from schemas.step import Step

_BATCH: Final = 500
_ALL: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class _Found:
    """What was read.

    Attributes:
        proofs: of each session.
        unreadable: how many steps cannot be read; each leaves a gap in a chain.
    """

    proofs: Mapping[SessionKey, Proof]
    unreadable: int


def verify_sessions(config: Path, session: str | None, *, tenant: str, as_json: bool) -> None:
    """Print what became of each chain; the exit code is 1 if one is broken."""
    only = None if session is None else SessionKey(tenant, session)
    found = perform(_verify(load(config).config, only))
    if only and not found.proofs:
        fail(
            f"nothing is known of session {session} of tenant {tenant}, neither in Redis nor on the steps topic"
        )
    if as_json:
        print_json(
            {
                "whole": not any(proof.broken for proof in found.proofs.values()),
                "unreadable": found.unreadable,
                "sessions": [
                    {"session": key.session_id, "tenant": key.tenant, **asdict(proof)}
                    for key, proof in found.proofs.items()
                ],
            }
        )
    else:
        _print(found, one=only is not None)
    if any(proof.broken for proof in found.proofs.values()):
        raise typer.Exit(FAILED)


def _print(found: _Found, *, one: bool) -> None:
    broken = {key: proof for key, proof in found.proofs.items() if proof.broken}
    if shown := dict(found.proofs) if one else broken:
        made = table("session", "tenant", "chain", "steps", "first break", right=["steps"])
        for key, proof in shown.items():
            made.add_row(
                styled(key.session_id, "bold"),
                styled(key.tenant),
                styled("broken", "red") if proof.broken else styled("whole", "green"),
                f"{proof.chained:,}",
                styled("; ".join(_remarks(proof))),
            )
        out().print(made)
    links = sum(proof.chained for proof in found.proofs.values())
    out().print(
        f"{len(found.proofs):,} sessions, {links:,} links: "
        + (f"{len(broken):,} chains are broken" if broken else "every chain is whole")
        + (f"; {found.unreadable:,} steps cannot be read, see the log" if found.unreadable else "")
    )


def _remarks(proof: Proof) -> Iterator[str]:
    if proof.broken:
        yield f"{proof.broken.where} {proof.broken.step}: {proof.broken.problem}".strip()
    if proof.cut:
        yield "its beginning is beyond the topic's retention"
    if not proof.anchored and not proof.broken:
        yield "Redis has nothing of it any more: whether its end is missing cannot be told"
    if proof.chains > 1:
        yield f"{proof.chains} chains, begun anew when Redis had forgotten the session"
    if proof.abandoned:
        yield f"{proof.abandoned} links of workers that died, told again by those that went on"


async def _verify(settings: Config, only: SessionKey | None) -> _Found:
    """Read Redis first: what it knows was published before."""
    topic = settings.kafka.steps_topic
    async with AsyncExitStack() as stack:
        heads = await _heads(settings, only)
        codec = codec_of(settings, stack)
        log = KafkaSteps(kafka_connection(settings.kafka), topic, codec, OWN_TENANT)
        extents = await log.extents()
        if extents is None:
            fail(f"there is no topic {topic}: the audit trail is not kept, or you may not see it")
        cut = {number: extent.first > 0 for number, extent in extents.items()}
        lies_in: dict[SessionKey, int] = {}
        unreadable = 0
        spool = stack.enter_context(StepSpool())
        batch: list[Step] = []
        places: list[str] = []
        with progress_bar("reading steps") as bar:
            task = bar.add_task(
                "reading steps", total=sum(each.end - each.first for each in extents.values())
            )
            async for found in log.read(extents):
                bar.advance(task)
                if found.step is None:
                    unreadable += 1
                    continue
                key = SessionKey(found.step.tenant, found.step.session_id)
                if only in (None, key):
                    lies_in[key] = found.partition
                    batch.append(found.step)
                    places.append(f"{topic}[{found.partition}]@{found.offset}")
                if len(batch) >= _BATCH:
                    spool.add(batch, places)
                    batch, places = [], []
        spool.add(batch, places)
        proofs = {
            key: verify(
                [Told(where, step) for where, step in told], heads.pop(key, ""), cut=cut[lies_in[key]]
            )
            for key, told in spool.told()
        }
    # Of these, the topic has nothing at all.
    proofs |= {key: verify([], head, cut=any(cut.values())) for key, head in heads.items() if head}
    return _Found(proofs, unreadable)


async def _heads(settings: Config, only: SessionKey | None) -> dict[SessionKey, str]:
    """Return the last link of each session that Redis knows; empty where it knows none."""
    heads: dict[SessionKey, str] = {}
    async with store(settings.redis) as (_, listing):
        keys = [only] if only else [each.key async for each in listing.list_sessions(_ALL)]
        for key in keys:
            if key is not None:
                try:
                    heads[key] = (await listing.context(key)).link
                except SessionDamagedError as error:
                    err().print(f"{error}: its last link cannot be read", markup=False)
                    heads[key] = ""
    return heads
