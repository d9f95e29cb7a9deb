"""`pointsman dead-letters`."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from consumers.cli.options import CONFIG, TIMES, AsJson, ConfigPath, examples

if TYPE_CHECKING:
    from consumers.cli.dead_letter_box import Choice

app = typer.Typer(
    help="Events that could not be worked: list, show, redrive; and keys that are parked: list, release.",
    epilog=examples("pointsman dead-letters list", "pointsman dead-letters parked"),
    no_args_is_help=True,
)

Reason = Annotated[str | None, typer.Option(help="Only those that died for this, such as unreadable.")]
FromTopic = Annotated[str | None, typer.Option("--topic", help="Only those from this topic.")]
Since = Annotated[
    datetime | None,
    typer.Option(formats=TIMES, help="Only those that died then or later; local unless it has a zone."),
]
Until = Annotated[datetime | None, typer.Option(formats=TIMES, help="Only those that died before then.")]
Key = Annotated[str | None, typer.Option(help="Only those with this record key, as `show` prints it.")]
Type = Annotated[str | None, typer.Option("--type", help="Only events of this type.")]
Session = Annotated[str | None, typer.Option(help="Only events of this session.")]
Where = Annotated[
    str | None,
    typer.Option(
        help="Only those of which this CEL expression over `event` and `letter` is true, "
        "such as 'event.payload.quantity > 10 && letter.rounds == 0'."
    ),
]


@app.command(
    "list",
    epilog=examples("pointsman dead-letters list", "pointsman dead-letters list --reason unrouted --json"),
)
def list_letters(
    *,
    config: ConfigPath = CONFIG,
    reason: Reason = None,
    topic: FromTopic = None,
    since: Since = None,
    until: Until = None,
    key: Key = None,
    event: Type = None,
    session: Session = None,
    where: Where = None,
    as_json: AsJson = False,
) -> None:
    """List dead letters, oldest first: where each lies, why it died, where it came from, whether it was redriven."""
    from consumers.cli import dead_letters

    choice = _choice(None, reason, topic, since, until, key, event, session, where)
    dead_letters.list_letters(config, choice, as_json=as_json)


@app.command(epilog=examples("pointsman dead-letters show 0:42"))
def show(
    place: Annotated[str, typer.Argument(help="PARTITION:OFFSET on the dead-letter topic, as listed.")],
    *,
    config: ConfigPath = CONFIG,
    as_json: AsJson = False,
) -> None:
    """Show one dead letter whole: reason, error, headers, key and value, and whether it would decode now."""
    from consumers.cli import dead_letters

    (found,) = _places([place])
    dead_letters.show(config, found, as_json=as_json)


@app.command(
    epilog=examples(
        "pointsman dead-letters redrive 0:42",
        "pointsman dead-letters redrive --reason unknown_schema --dry-run",
        "pointsman dead-letters redrive --topic erp.orders --since 2026-11-01 --rate 20",
    )
)
def redrive(
    places: Annotated[list[str] | None, typer.Argument(help="PARTITION:OFFSET of some, as listed.")] = None,
    *,
    config: ConfigPath = CONFIG,
    reason: Reason = None,
    topic: FromTopic = None,
    since: Since = None,
    until: Until = None,
    key: Key = None,
    event: Type = None,
    session: Session = None,
    where: Where = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    rate: Annotated[float | None, typer.Option(min=0.001, help="At most so many letters a second.")] = None,
    rounds: Annotated[
        int, typer.Option(min=1, help="Leave those that were redriven so often and died again.")
    ] = 3,
    again: Annotated[
        bool, typer.Option("--again", help="Also those that were redriven already since they died.")
    ] = False,
    operator: Annotated[
        str, typer.Option(envvar="USER", help="Who redrives; recorded in the audit trail.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Have the workers of this group work dead letters again, from where each stopped; no other group sees it.

    Repair the cause first: a route, a schema, a rule. They go to `kafka.redrive_topic`, those of a key in their order,
    each acknowledged before the next. The letters stay where they are. Called again, whatever is on that topic is left
    out: a redrive that was interrupted goes on. A letter whose topic is no input of this configuration is refused.
    """
    from consumers.cli.redrive import How
    from consumers.cli.redrive import redrive as redrive_letters

    choice = _choice(places, reason, topic, since, until, key, event, session, where)
    how = How(operator, rounds, rate, again, dry_run)
    redrive_letters(config, choice, how, everything=everything, as_json=as_json)


@app.command(epilog=examples("pointsman dead-letters parked", "pointsman dead-letters parked --json"))
def parked(*, config: ConfigPath = CONFIG, topic: FromTopic = None, as_json: AsJson = False) -> None:
    """List keys whose records wait on the parked topic, because one was retried for too long.

    What follows on a parked key is parked behind it, in order; other keys go on.
    """
    from consumers.cli import parked as parked_keys

    parked_keys.list_parked(config, topic, as_json=as_json)


@app.command(
    epilog=examples("pointsman dead-letters release C-100", "pointsman dead-letters release --all --dry-run")
)
def release(
    keys: Annotated[list[str] | None, typer.Argument(help="Keys, as `parked` lists them.")] = None,
    *,
    config: ConfigPath = CONFIG,
    topic: FromTopic = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let the workers work parked keys, each in its order, before what has arrived for it since.

    Mend the cause first: a record that fails again is retried as any other, and then its key is parked again.
    """
    from consumers.cli import parked as parked_keys

    parked_keys.release(config, keys or (), topic, everything=everything, dry_run=dry_run, as_json=as_json)


def _choice(
    places: Sequence[str] | None,
    reason: str | None,
    topic: str | None,
    since: datetime | None,
    until: datetime | None,
    key: str | None,
    event: str | None,
    session: str | None,
    where: str | None,
) -> "Choice":
    from consumers.cli.dead_letter_box import Choice, parse_where
    from consumers.policy.expressions import ExpressionError

    try:
        expression = None if where is None else parse_where(where)
    except ExpressionError as error:
        raise typer.BadParameter(f"--where {error}") from None
    return Choice(
        reason,
        topic,
        frozenset(_places(places or ())),
        since and _zoned(since),
        until and _zoned(until),
        key,
        event,
        session,
        expression,
    )


def _zoned(at: datetime) -> datetime:
    """Return a time with a zone: one without is this machine's."""
    return at if at.tzinfo else at.astimezone()


def _places(texts: Sequence[str]) -> list[tuple[int, int]]:
    from consumers.cli.dead_letter_box import parse_place

    try:
        return [parse_place(text) for text in texts]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
