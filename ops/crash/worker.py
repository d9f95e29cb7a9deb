"""A worker as it is, but that whoever plays a point is told when a call of a port begins and has ended."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bell import Bell
from mutants import MUTANTS
from watched import watched

from connectors.discovery import installed_names, load_connectors
from consumers.adapters.openai_client import open_client
from consumers.adapters.openai_settings import ModelSettings
from consumers.app import compose
from consumers.app.config_file import ConfigFile, read_config
from consumers.app.worker import run_worker
from consumers.cli.signals import stop_on_signals
from consumers.telemetry import logs


@dataclass(frozen=True, slots=True)
class Orders:
    """How a worker is to live.

    Attributes:
        config: its configuration.
        log: where it logs.
        gate: port of whoever is told of its calls.
        detours: ports by which it shall reach others, by those that it is told by its servers.
        mutant: what is wrong with it; a name of `mutants.MUTANTS`.
    """

    config: str
    log: str
    gate: int
    detours: Mapping[str, int]
    mutant: str = "sound"


class DetouredLoop(asyncio.SelectorEventLoop):
    """An event loop that connects to another port than it is asked to.

    A broker says itself where it is to be reached, so only here can something be put between it and its clients.
    """

    def __init__(self, detours: Mapping[str, int]) -> None:
        super().__init__()
        self._detours = {int(port): instead for port, instead in detours.items()}

    async def create_connection(  # pyright: ignore[reportIncompatibleMethodOverride] - it has many overloads
        self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any
    ) -> Any:
        return await super().create_connection(
            protocol_factory, host, self._detours.get(port, port), **options
        )


def rehearse() -> None:
    """Have everything imported that a worker imports only when it needs it."""
    load_connectors(installed_names())
    open_client(ModelSettings(name="nobody"))  # it is never asked anything


def live(orders: Orders) -> None:
    """Run until told to stop.

    Raises:
        BaseException: whatever ends a worker.
    """
    file = read_config(Path(orders.config))
    bell = Bell(orders.gate)

    def adapt(parts: compose.Parts) -> compose.Parts:
        return watched(MUTANTS[orders.mutant](parts), bell)

    logs.configure(file.config.telemetry.log_level, file.config.telemetry.log_format)
    with asyncio.Runner(loop_factory=lambda: DetouredLoop(orders.detours)) as runner:
        runner.run(_run(file, adapt))


async def _run(file: ConfigFile, adapt: compose.Adapt) -> None:
    await run_worker(file, stop=stop_on_signals(within_s=file.config.limits.shutdown_s), adapt=adapt)
