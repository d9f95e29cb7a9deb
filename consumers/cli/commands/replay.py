"""`pointsman replay`."""

from typing import Annotated

import typer

from consumers.cli.options import CONFIG, AsJson, ConfigPath, Offsets, Since, Until, parse_parts


def replay(
    topic: Annotated[str, typer.Argument(help="An input topic of a route.")],
    *,
    config: ConfigPath = CONFIG,
    since: Since = None,
    until: Until = None,
    offsets: Offsets = None,
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
