"""A name service for tests."""

import socket
from collections.abc import Sequence
from itertools import chain, repeat
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult


class Names(AbstractResolver):
    """A name service in somebody else's hands: it answers each question with the next of its answers."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.asked: list[str] = []
        self._answers = chain(answers, repeat(answers[-1]))

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in next(self._answers)
        ]

    async def getaddrinfo(self, host: str, port: int, **_: Any) -> list[Any]:
        """Answer as the event loop's resolver does; to be put in its place."""
        found = await self.resolve(host, port)
        return [
            (each["family"], socket.SOCK_STREAM, each["proto"], "", (each["host"], port)) for each in found
        ]

    async def close(self) -> None:
        """Nothing is open."""
