"""`pointsman dead-letters redrive`: letters back to the workers of our group, by a topic that nobody else reads."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import typer

from consumers.adapters.kafka_outbox import KafkaOutbox
from consumers.app.config import Config
from consumers.app.connections import own_messages, record_codec, sender
from consumers.app.inputs import worked_topics
from consumers.cli.dead_letter_box import Choice, place_of, shown_value
from consumers.cli.dead_letters import read_box
from consumers.cli.exits import FAILED, fail, load, perform, refuse
from consumers.cli.redriving import Bounds, Known, Planned, Standing, places, planned, step_of
from consumers.cli.screen import err, out, plain, print_json, progress_bar, styled, table
from consumers.errors import DeadLetterError, PointsmanError
from consumers.ports.clock import SystemClock
from schemas.redriven import message_of

_STYLES: Final = {
    Standing.GOES: "green",
    Standing.ALREADY: "dim",
    Standing.SPENT: "yellow",
    Standing.REFUSED: "red",
}


@dataclass(frozen=True, slots=True)
class How:
    """How letters are redriven.

    Attributes:
        by: who does it, for the audit trail.
        rounds: how often a record may be redriven.
        rate: letters a second at most, or None for as fast as each is acknowledged.
        again: redrive those that were redriven already as well.
        dry_run: only say what would be done.
    """

    by: str
    rounds: int
    rate: float | None = None
    again: bool = False
    dry_run: bool = False


def redrive(config: Path, choice: Choice, how: How, *, everything: bool, as_json: bool) -> None:
    """Publish the chosen letters for the workers of the group, and say what became of each."""
    if choice.is_everything and not everything:
        refuse("say which: places, --reason, --topic or another filter, or --all")
    settings = load(config).config
    plans = perform(_planned(settings, choice, how))
    found = {(plan.seen.record.partition, plan.seen.record.offset) for plan in plans}
    if absent := sorted(choice.places - found):
        named = ", ".join(f"{partition}:{offset}" for partition, offset in absent)
        fail(
            f"no dead letter that is meant at {named}; `pointsman dead-letters list` shows them. None is redriven"
        )
    going = [plan for plan in plans if plan.standing is Standing.GOES]
    if going and not how.dry_run:
        refused = perform(_publish(settings, how, going))
        plans = [refused.get(plan.redriven.of, plan) for plan in plans]
    if as_json:
        print_json(_document(plans, dry_run=how.dry_run))
    else:
        _show(plans, dry_run=how.dry_run)
    if any(plan.standing in {Standing.REFUSED, Standing.SPENT} for plan in plans):
        raise typer.Exit(FAILED)


async def _planned(settings: Config, choice: Choice, how: How) -> list[Planned]:
    box = await read_box(settings, choice, to_redrive=True)
    bounds = Bounds(worked_topics(settings), box.known, how.rounds, how.again)
    return planned(box.letters, bounds, how.by)


async def _publish(settings: Config, how: How, going: Sequence[Planned]) -> Mapping[Known, Planned]:
    """Publish letters one after the other, each acknowledged before the next: a key keeps its order whatever fails.

    Returns those that the broker refuses for good, for their size mostly.
    """
    clock, monotonic = SystemClock(), asyncio.get_running_loop().time
    routed = {route.topic for route in settings.routes}
    sent, refused = 0, dict[Known, Planned]()
    try:
        async with AsyncExitStack() as stack:
            producer = await sender(settings.kafka, stack)
            outbox = KafkaOutbox(producer, own_messages(settings.kafka, await record_codec(settings, stack)))
            bar = stack.enter_context(progress_bar("redriving"))
            began = monotonic()
            for plan in bar.track(going, description="redriving"):
                try:
                    if step := step_of(plan, routed, clock.now()):
                        await outbox.steps([step])
                    await producer.send([message_of(settings.kafka.redrive_topic, plan.redriven)])
                except DeadLetterError as error:
                    refused[plan.redriven.of] = replace(plan, standing=Standing.REFUSED, why=str(error))
                    continue
                sent += 1
                if how.rate:
                    await asyncio.sleep(max(0.0, began + sent / how.rate - monotonic()))
    except PointsmanError as error:
        fail(f"{error}\nredriven before it: {sent} of {len(going)}; the same command goes on with the others")
    return refused


def _document(plans: Sequence[Planned], *, dry_run: bool) -> dict[str, object]:
    return {
        "redriven": places(plans, Standing.GOES),
        "already_redriven": places(plans, Standing.ALREADY),
        "rounds_spent": places(plans, Standing.SPENT),
        "refused": places(plans, Standing.REFUSED),
        "dry_run": dry_run,
    }


def _show(plans: Sequence[Planned], *, dry_run: bool) -> None:
    went = "would redrive" if dry_run else "redriven"
    made = table("letter", "from", "key", "reason", "round", "decodes now", "", right=["round"])
    for plan in plans:
        letter = plan.seen.letter
        assert letter is not None
        goes = plan.standing is Standing.GOES
        made.add_row(
            styled(place_of(plan.seen.record), "bold"),
            styled(letter.record.place),
            styled(shown_value(letter.record.key)),
            styled(letter.reason),
            str(plan.redriven.round),
            "yes" if plan.seen.event else "no",
            styled(went if goes else plan.standing, _STYLES[plan.standing]),
        )
    if plans:
        out().print(made)
    for plan in plans:
        if plan.standing in {Standing.REFUSED, Standing.SPENT}:
            message = f"{place_of(plan.seen.record)} {plan.standing}: {plan.why}"
            err().print(styled(message, _STYLES[plan.standing]), soft_wrap=True)
    counts = {standing: len(places(plans, standing)) for standing in Standing}
    others = "".join(
        f", {standing} {counts[standing]}" for standing in Standing if standing is not Standing.GOES
    )
    err().print(plain(f"{went} {counts[Standing.GOES]}{others}"), markup=False)
