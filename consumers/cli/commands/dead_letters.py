"""`pointsman dead-letters`."""

from collections.abc import Sequence
from typing import Annotated

import typer

from consumers.cli.options import CONFIG, AsJson, ConfigPath, examples

app = typer.Typer(
    help="Events that could not be worked: list, show, redrive; and keys that are parked: list, release.",
    epilog=examples("pointsman dead-letters list", "pointsman dead-letters parked"),
    no_args_is_help=True,
)

Reason = Annotated[str | None, typer.Option(help="Only those that died for this, such as unreadable.")]
FromTopic = Annotated[str | None, typer.Option("--topic", help="Only those from this topic.")]


@app.command(
    "list",
    epilog=examples("pointsman dead-letters list", "pointsman dead-letters list --reason unrouted --json"),
)
def list_letters(
    *, config: ConfigPath = CONFIG, reason: Reason = None, topic: FromTopic = None, as_json: AsJson = False
) -> None:
    """List dead letters, oldest first: where each lies, why it died, where it came from."""
    from consumers.cli import dead_letters
    from consumers.cli.dead_letter_box import Choice

    dead_letters.list_letters(config, Choice(reason, topic), as_json=as_json)


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
    )
)
def redrive(
    places: Annotated[list[str] | None, typer.Argument(help="PARTITION:OFFSET of some, as listed.")] = None,
    *,
    config: ConfigPath = CONFIG,
    reason: Reason = None,
    topic: FromTopic = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Publish dead letters again, each to the topic it came from: same key, value and headers, without ours.

    Repair the cause first: a route, a schema, a rule. The letters stay on the dead-letter topic, and redriving one
    twice has no second effect, since its event id is the same. A letter whose topic is no input of this
    configuration is refused, because its header alone is no authority to write there.
    """
    from consumers.cli import dead_letters
    from consumers.cli.dead_letter_box import Choice

    choice = Choice(reason, topic, frozenset(_places(places or ())))
    dead_letters.redrive(config, choice, everything=everything, dry_run=dry_run, as_json=as_json)


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


def _places(texts: Sequence[str]) -> list[tuple[int, int]]:
    from consumers.cli.dead_letter_box import parse_place

    try:
        return [parse_place(text) for text in texts]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
