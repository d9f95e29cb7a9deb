"""A worker's side of the gate: it rings when a call begins and when it has ended, and waits to be let through."""

import itertools
import json
import socket
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from calls import Call


class Bell:
    """A socket to the gate. It blocks: while the worker waits to be let through, nothing else of it moves."""

    def __init__(self, gate: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", gate))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")
        self._numbers = itertools.count(1)

    @contextmanager
    def around(self, call: Call) -> Generator[None]:
        """Ring before and after a block."""
        number = next(self._numbers)
        self._ring({"begins": number, "call": asdict(call)})
        try:
            yield
        finally:
            self._ring({"ended": number})

    def _ring(self, what: dict[str, Any]) -> None:
        self._socket.sendall(f"{json.dumps(what)}\n".encode())
        if not self._answers.readline():
            raise SystemExit("the gate is gone")
