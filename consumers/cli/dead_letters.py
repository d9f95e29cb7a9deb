"""`pointsman dead-letters`: what could not be worked, why, and sending it back once it is repaired."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import typer

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_reader import topic_reader
from consumers.app.config import Config
from consumers.app.connections import codec_of, kafka_connection
from consumers.cli.dead_letter_box import Choice, Place, place_of, redrivable, shown_value
from consumers.cli.exits import FAILED, fail, load, perform, refuse
from consumers.cli.lines import document
from consumers.cli.screen import err, out, print_json, progress_bar, styled, table
from consumers.cli.seen import Reader, Seen
from schemas.dead_letter import DeadLetter

_ACKNOWLEDGED_S: Final = 15.0


def list_letters(config: Path, choice: Choice, *, as_json: bool) -> None:
    """Print the dead letters that are meant, oldest first."""
    letters = perform(_read(load(config).config, choice))
    if as_json:
        print_json([document(seen) for seen in letters])
        return
    made = table("place", "died at", "reason", "from", "tried", "error", right=["tried"])
    for seen in letters:
        letter = seen.letter
        assert letter is not None
        made.add_row(
            styled(place_of(seen.record), "bold"),
            letter.at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            styled(letter.reason, "red"),
            styled(letter.record.place),
            str(letter.attempts),
            styled(letter.error),
        )
    out().print(made if letters else "no dead letters")


def show(config: Path, place: Place, *, as_json: bool) -> None:
    """Print one dead letter whole: reason, headers, key and value."""
    letters = perform(_read(load(config).config, Choice(places=frozenset({place}))))
    if not letters:
        fail(f"no dead letter at {place[0]}:{place[1]}; `pointsman dead-letters list` shows them")
    (seen,) = letters
    letter = seen.letter
    assert letter is not None
    original = letter.record
    headers = [[name, shown_value(value)] for name, value in original.headers]
    if as_json:
        raw = {"key": shown_value(original.key), "value": shown_value(original.value), "headers": headers}
        print_json(document(seen) | {"record": raw})
        return
    facts: list[tuple[str, Any]] = [
        ("reason", letter.reason),
        ("error", letter.error),
        ("from", original.place),
        ("tried", letter.attempts),
        ("died at", letter.at.isoformat()),
        ("decodes now", "yes: it may be redriven" if seen.event else f"no: {seen.problem}"),
        ("key", shown_value(original.key)),
        *(("header", f"{name}: {value}") for name, value in headers),
        ("value", shown_value(original.value)),
    ]
    for name, value in facts:
        out().print(styled(f"{name:<12}", "dim"), styled(value), soft_wrap=True)


def redrive(config: Path, choice: Choice, *, everything: bool, dry_run: bool, as_json: bool) -> None:
    """Publish the chosen letters to the topics they came from, as they were."""
    if choice.is_everything and not everything:
        refuse("say which: --reason, --topic, places, or --all")
    settings = load(config).config
    topics = {route.topic for route in settings.routes} | {settings.kafka.approvals_topic}
    back, refused = redrivable(perform(_read(settings, choice)), topics)
    if not dry_run and back:
        perform(_redrive(settings, back))
    did = "would redrive" if dry_run else "redriven"
    if as_json:
        places = {"redriven": [b.record.place for b in back], "refused": [r.record.place for r in refused]}
        print_json({**places, "dry_run": dry_run})
    else:
        for letter in back:
            out().print(styled(did, "green"), styled(letter.record.place), styled(letter.reason, "dim"))
        for letter in refused:
            message = f"{letter.record.place}: {letter.record.topic} is no topic of this configuration"
            err().print(styled(f"refused {message}", "red"))
        err().print(f"{did} {len(back)}, refused {len(refused)}", markup=False)
    if refused:
        raise typer.Exit(FAILED)


async def _read(settings: Config, choice: Choice) -> list[Seen]:
    async with AsyncExitStack() as stack:
        reader = Reader(codec_of(settings, stack), settings)
        source = await stack.enter_async_context(topic_reader(kafka_connection(settings.kafka)))
        seen = [
            await reader.see(record) async for record in source.to_end([settings.kafka.dead_letters_topic])
        ]
    chosen = [each for each in seen if choice.fits(each)]
    return sorted(
        chosen, key=lambda each: (each.record.timestamp_ms, each.record.partition, each.record.offset)
    )


async def _redrive(settings: Config, letters: Sequence[DeadLetter]) -> None:
    producer = kafka_clients.producer(kafka_connection(settings.kafka))
    await producer.start()
    try:
        with progress_bar("redriving") as bar:
            for letter in bar.track(letters, description="redriving"):
                original = letter.record
                # One after the other: letters of one key keep their order even if one is not acknowledged.
                async with asyncio.timeout(_ACKNOWLEDGED_S):
                    await producer.send_and_wait(
                        original.topic, original.value, key=original.key, headers=list(original.headers)
                    )
    finally:
        await kafka_clients.stop(producer)
