"""`pointsman dead-letters parked` and `release`: keys that wait for an operator."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from consumers.adapters.kafka_reader import topic_reader
from consumers.app.config import Config
from consumers.app.connections import kafka_connection, sender
from consumers.cli.dead_letter_box import shown_value
from consumers.cli.exits import FAILED, load, perform, refuse
from consumers.cli.screen import err, out, print_json, styled, table
from consumers.runtime.parked_keys import Parked, ParkedKeys
from schemas.dead_letter import DeadLetter
from schemas.errors import UnreadableError
from schemas.parked import ParkedKey, mark_of, read_parked


@dataclass(frozen=True, slots=True)
class Shown:
    """One parked key, with the letter that it was parked for."""

    key: ParkedKey
    parked: Parked
    first: DeadLetter | None

    def document(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "key": shown_value(self.key.key),
            "topic": self.key.topic,
            "partition": self.key.partition,
            "records": self.parked.letters,
            "releasing": self.parked.releasing,
            "reason": self.first and self.first.reason,
            "error": self.first and self.first.error,
            "parked_at": self.first and self.first.at.isoformat(),
        }


def list_parked(config: Path, topic: str | None, *, as_json: bool) -> None:
    """Print the parked keys, the ones that wait longest first."""
    found = _chosen(perform(_read(load(config).config)), topic, ())
    if as_json:
        print_json([shown.document() for shown in found])
        return
    made = table("key", "from", "records", "since", "state", "error", right=["records"])
    for shown in found:
        first = shown.first
        made.add_row(
            styled(shown_value(shown.key.key), "bold"),
            styled(f"{shown.key.topic}[{shown.key.partition}]"),
            str(shown.parked.letters),
            first.at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if first else "",
            styled("being released", "green") if shown.parked.releasing else styled("parked", "yellow"),
            styled(first.error if first else ""),
        )
    out().print(made if found else "no key is parked")


def release(
    config: Path, keys: Sequence[str], topic: str | None, *, everything: bool, dry_run: bool, as_json: bool
) -> None:
    """Ask the workers to work parked keys, each in its order, before what has arrived for it since."""
    if not keys and topic is None and not everything:
        refuse("say which: keys as listed, --topic, or --all")
    settings = load(config).config
    found = _chosen(perform(_read(settings)), topic, keys)
    missing = set(keys) - {shown_value(shown.key.key) for shown in found}
    if found and not dry_run:
        perform(_release(settings, [shown.key for shown in found]))
    records = sum(shown.parked.letters for shown in found)
    if as_json:
        documents = [shown.document() for shown in found]
        print_json({"released": documents, "not_parked": sorted(missing), "dry_run": dry_run})
    else:
        did = "would release" if dry_run else "released"
        for shown in found:
            place = f"{shown.key.topic}[{shown.key.partition}]"
            out().print(styled(did, "green"), styled(shown_value(shown.key.key)), styled(place, "dim"))
        for key in sorted(missing):
            err().print(styled(f"not parked: {key}", "red"))
        err().print(f"{did} {len(found)} keys with {records} records", markup=False)
    if missing:
        raise typer.Exit(FAILED)


def _chosen(found: Sequence[Shown], topic: str | None, keys: Sequence[str]) -> list[Shown]:
    return [
        shown
        for shown in found
        if (topic is None or shown.key.topic == topic) and (not keys or shown_value(shown.key.key) in keys)
    ]


async def _read(settings: Config) -> list[Shown]:
    state = ParkedKeys()
    firsts: dict[ParkedKey, DeadLetter] = {}
    async with topic_reader(kafka_connection(settings.kafka)) as source:
        async for record in source.to_end([settings.kafka.parked_topic]):
            try:
                content = read_parked(record)
            except UnreadableError as error:
                err().print(styled(str(error), "red"))
                continue
            key = state.apply(record, content)
            if key not in state.keys:
                firsts.pop(key, None)
            elif isinstance(content, DeadLetter):
                firsts.setdefault(key, content)
    found = [Shown(key, parked, firsts.get(key)) for key, parked in state.keys.items()]
    return sorted(found, key=lambda shown: shown.first.at.timestamp() if shown.first else 0.0)


async def _release(settings: Config, keys: Sequence[ParkedKey]) -> None:
    async with AsyncExitStack() as stack:
        producer = await sender(settings.kafka, stack)
        await producer.send([mark_of(settings.kafka.parked_topic, key, "release") for key in keys])
