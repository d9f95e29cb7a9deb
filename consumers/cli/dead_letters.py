"""`pointsman dead-letters list` and `show`: what could not be worked, and why."""

import contextlib
from collections.abc import Set as AbstractSet
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consumers.adapters.kafka_reader import topic_reader
from consumers.app.config import Config
from consumers.app.connections import codec_of, kafka_connection
from consumers.cli.dead_letter_box import Choice, place_of, shown_value
from consumers.cli.exits import fail, load, perform
from consumers.cli.lines import document
from consumers.cli.redriving import Known, of_letter
from consumers.cli.screen import out, print_json, styled, table
from consumers.cli.seen import Reader, Seen
from schemas.errors import UnreadableError
from schemas.redriven import Place, redriven_of


def list_letters(config: Path, choice: Choice, *, as_json: bool) -> None:
    """Print the dead letters that are meant, oldest first."""
    box = perform(read_box(load(config).config, choice))
    letters = sorted(box.letters, key=_age)
    if as_json:
        print_json([{**document(seen), "redriven": of_letter(seen) in box.known} for seen in letters])
        return
    made = table(
        "place",
        "died at",
        "reason",
        "from",
        "tried",
        "rounds",
        "redriven",
        "error",
        right=["tried", "rounds"],
    )
    for seen in letters:
        letter = seen.letter
        assert letter is not None
        made.add_row(
            styled(place_of(seen.record), "bold"),
            letter.at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            styled(letter.reason, "red"),
            styled(letter.record.place),
            str(letter.attempts),
            str(letter.rounds or ""),
            "yes" if of_letter(seen) in box.known else "",
            styled(letter.error),
        )
    out().print(made if letters else "no dead letters")


def show(config: Path, place: Place, *, as_json: bool) -> None:
    """Print one dead letter whole: reason, headers, key and value."""
    box = perform(read_box(load(config).config, Choice(places=frozenset({place}))))
    if not box.letters:
        fail(f"no dead letter at {place[0]}:{place[1]}; `pointsman dead-letters list` shows them")
    (seen,) = box.letters
    redriven = of_letter(seen) in box.known
    letter = seen.letter
    assert letter is not None
    original = letter.record
    headers = [[name, shown_value(value)] for name, value in original.headers]
    if as_json:
        raw = {"key": shown_value(original.key), "value": shown_value(original.value), "headers": headers}
        print_json(document(seen) | {"redriven": redriven, "record": raw})
        return
    facts: list[tuple[str, Any]] = [
        ("reason", letter.reason),
        ("error", letter.error),
        ("from", original.place),
        ("tried", letter.attempts),
        ("died at", letter.at.isoformat()),
        ("rounds", letter.rounds),
        ("redriven", "yes" if redriven else "no"),
        ("decodes now", "yes: it may be redriven" if seen.event else f"no: {seen.problem}"),
        ("key", shown_value(original.key)),
        *(("header", f"{name}: {value}") for name, value in headers),
        ("value", shown_value(original.value)),
    ]
    for name, value in facts:
        out().print(styled(f"{name:<12}", "dim"), styled(value), soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Box:
    """What the topics say.

    Attributes:
        letters: those that were chosen; those of one partition in their order.
        known: the letters that were redriven, of all.
    """

    letters: list[Seen]
    known: AbstractSet[Known]


def _age(seen: Seen) -> tuple[int, int, int]:
    return seen.record.timestamp_ms, seen.record.partition, seen.record.offset


async def read_box(settings: Config, choice: Choice, *, to_redrive: bool = False) -> Box:
    """Read the dead letters that are meant, and which were redriven.

    Raises:
        HaltError: a topic is not there; that of redriven records may be missing unless one is to be redriven.
        UnavailableError: the broker does not answer.
    """
    topic = settings.kafka.redrive_topic
    async with AsyncExitStack() as stack:
        reader = Reader(codec_of(settings, stack), settings)
        source = await stack.enter_async_context(topic_reader(kafka_connection(settings.kafka)))
        letters = [
            seen
            async for record in source.to_end([settings.kafka.dead_letters_topic])
            if choice.fits(seen := await reader.see(record))
        ]
        known: set[Known] = set()
        if to_redrive or topic in await source.topics():
            async for record in source.to_end([topic]):
                with contextlib.suppress(UnreadableError):
                    known.add(redriven_of(record).of)
    return Box(letters, known)
