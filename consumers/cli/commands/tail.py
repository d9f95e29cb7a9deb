"""`pointsman tail`."""

from typing import Annotated

import typer

from consumers.cli.options import CONFIG, AsJson, ConfigPath


def tail(
    topics: Annotated[
        list[str] | None, typer.Argument(help="What to read; all topics of the configuration where missing.")
    ] = None,
    *,
    config: ConfigPath = CONFIG,
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="Start with the oldest records, then follow.")
    ] = False,
    to_end: Annotated[
        bool, typer.Option("--to-end", help="Show what is there, from the beginning, then end.")
    ] = False,
    most: Annotated[int | None, typer.Option("--max", min=1, help="End after so many records.")] = None,
    event: Annotated[str | None, typer.Option("--type", help="Only events of this type.")] = None,
    session: Annotated[str | None, typer.Option(help="Only events of this session.")] = None,
    event_id: Annotated[str | None, typer.Option("--id", help="Only the event with this id.")] = None,
    key: Annotated[str | None, typer.Option(help="Only records with this key.")] = None,
    as_json: AsJson = False,
) -> None:
    """Follow topics and show every record decoded, a line each: events, steps, outcomes, approvals, dead letters.

    With --json every line is an object. Ends with Ctrl-C, or where --max or --to-end says.
    """
    from consumers.cli.tail import Wanted, tail

    wanted = Wanted(tuple(topics or ()), from_beginning, to_end, most, event, session, event_id, key)
    tail(config, wanted, as_json=as_json)
