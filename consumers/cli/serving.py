"""Processes that run until they are told to stop: the worker and the offline model."""

from pathlib import Path

import typer

from consumers.app.check import check_config
from consumers.app.config_file import ConfigFile
from consumers.cli.exits import USAGE, fail, load, perform, print_mistakes
from consumers.cli.signals import stop_on_signals
from consumers.offline import script_file
from consumers.offline.faults import Behaviour
from consumers.offline.server import serve


def run(config: Path) -> None:
    """Check the configuration, then run a worker until a signal."""
    file = load(config)
    if mistakes := check_config(file).mistakes:
        print_mistakes(mistakes)
        raise typer.Exit(USAGE)
    perform(_worker(file))


def model(script: Path | None, host: str, port: int, behaviour: Behaviour) -> None:
    """Serve the offline model until a signal."""
    perform(_model(script or script_file.DEMO, host, port, behaviour))


async def _worker(file: ConfigFile) -> None:
    from consumers.app.worker import run_worker
    from consumers.telemetry.logs import configure

    configure(file.config.telemetry.log_level, file.config.telemetry.log_format)
    await run_worker(file, stop=stop_on_signals(within_s=file.config.limits.shutdown_s))


async def _model(script: Path, host: str, port: int, behaviour: Behaviour) -> None:
    stop = stop_on_signals()
    rules = script_file.load(script)
    try:
        server = await serve(rules, host=host, port=port, behaviour=behaviour)
    except OSError as error:
        fail(f"cannot listen on {host}:{port}: {error.strerror or error}")
    async with server:
        typer.echo(server.base_url)
        await stop.wait()
