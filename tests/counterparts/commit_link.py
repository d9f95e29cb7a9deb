"""A faulty link to PostgreSQL whose faults come at COMMIT: everything before it is answered."""

import asyncio
from contextlib import suppress
from typing import Any

from connectors.testing_link import FaultyLink

_CHUNK = 65_536
_COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
_COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"


class CommitLink(FaultyLink):
    """Loses, or keeps back, the answer to COMMIT and no other; with `swallow`, the next COMMIT itself."""

    swallow = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await super()._serve(_Requests(self, reader), writer)

    async def _answer(
        self, answers: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: asyncio.Event
    ) -> None:
        del asked  # what counts here is what is answered
        with suppress(ConnectionError):
            while data := await answers.read(_CHUNK):
                if self._replies.name == "LOST" and _COMMITTED in data:
                    self.lost += 1
                    return
                if self._replies.name == "PASS" or _COMMITTED not in data:
                    writer.write(data)
                    await writer.drain()


class _Requests(asyncio.StreamReader):
    """What a client sends, up to a COMMIT that is to be swallowed."""

    def __init__(self, link: CommitLink, reader: asyncio.StreamReader) -> None:
        super().__init__()
        self._link = link
        self._reader = reader

    async def read(self, n: int = -1) -> Any:
        data = await self._reader.read(n)
        if self._link.swallow and data.startswith(_COMMIT):
            self._link.swallow = False
            return b""
        return data
