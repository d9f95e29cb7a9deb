"""`pointsman lag`."""

from typing import Annotated

import typer

from consumers.cli.options import CONFIG, AsJson, ConfigPath


def lag(
    *,
    config: ConfigPath = CONFIG,
    worker: Annotated[
        list[str] | None,
        typer.Option(help="Where a worker serves /healthz; once for each. Else as in the configuration."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say how far the group is behind in each partition, and which record, step and wait hold it up."""
    from consumers.cli import lag as lags

    lags.lag(config, worker or (), as_json=as_json)
