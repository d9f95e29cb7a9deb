"""`pointsman replay`."""

from datetime import datetime
from typing import Annotated, Final

import typer

from consumers.cli.options import CONFIG, AsJson, ConfigPath

TIMES: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


def replay(
    topic: Annotated[str, typer.Argument(help="An input topic of a route.")],
    *,
    config: ConfigPath = CONFIG,
    since: Annotated[
        datetime | None, typer.Option(formats=TIMES, help="From this time on; local unless it has a zone.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(formats=TIMES, help="Up to this time.")] = None,
    offsets: Annotated[
        list[str] | None,
        typer.Option(help="PARTITION:FIRST-LAST, last included; for several partitions several times."),
    ] = None,
    output: Annotated[str | None, typer.Option(help="Topic for the outcomes instead of the routes'.")] = None,
    operator: Annotated[
        str, typer.Option(envvar="USER", help="Who replays; recorded in the audit trail.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Go through a part of a topic again and publish the outcomes of finished events once more.

    Same outcome, same id, same bytes; no model is called and nothing takes effect. Works in a consumer group of
    its own beside running workers. Events that are not finished are counted and left to the workers.
    """
    from consumers.cli import replay as replaying

    parts = parse_parts(offsets or [])
    replaying.replay(config, topic, since, until, parts, output=output, operator=operator, as_json=as_json)


def parse_parts(texts: list[str]) -> dict[int, tuple[int, int]]:
    """Read the values of `--offsets`; what cannot be read ends the command."""
    from consumers.replay.selection import parse_offsets

    try:
        return dict(parse_offsets(text) for text in texts)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
