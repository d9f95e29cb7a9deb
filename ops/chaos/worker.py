"""One worker, as seen from outside: a process and its log."""

import asyncio
import signal
from asyncio.subprocess import Process
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Told = Literal["kill", "end"]
CODES: Mapping[Told, int] = {"kill": -signal.SIGKILL, "end": 0}


@dataclass(eq=False)
class Worker:
    """One process."""

    name: str
    process: Process
    log: Path
    told: Told | None = None
    """What it was told last; None while it shall work."""
    frozen: bool = False
    began: bool = False
    without_broker: bool = False
    """The broker was away at some time before it took events; then it may end, to be started again."""
    attended: "asyncio.Task[None] | None" = None

    def took_events(self) -> bool:
        """Whether it has said so."""
        self.began = self.began or b'"message":"ready"' in self.log.read_bytes()
        return self.began

    def is_ready(self) -> bool:
        """Whether it takes events, or can say nothing more."""
        return self.process.returncode is not None or self.took_events()

    def send(self, number: signal.Signals) -> None:
        if self.process.returncode is None:
            self.process.send_signal(number)

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]
