"""`pointsman check`."""

from pathlib import Path
from typing import Annotated

import typer

from consumers.cli.options import CONFIG, AsJson, ConfigPath


def check(
    *,
    config: ConfigPath = CONFIG,
    actions: Annotated[bool, typer.Option("--actions", help="List all actions of the connectors.")] = False,
    topics: Annotated[bool, typer.Option("--topics", help="Ask Kafka whether every topic exists.")] = False,
    explain: Annotated[
        Path | None,
        typer.Option(metavar="EVENT.json", help="Show which actions this event could reach, and why."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Explain every mistake in the configuration with file, line and a hint, or show what it says.

    Rules are type-checked against the schemas of events, arguments and results. Starts nothing and changes nothing.
    Exit code 0: `pointsman run` would start; 2: there are mistakes.
    """
    from consumers.cli import check_report

    check_report.check(config, actions=actions, topics=topics, explain=explain, as_json=as_json)
