"""A worker whose codec kills the process that decodes certain records, as a fault in a library would; for tests only.

`python -m tests.integration.deadly_worker worker pointsman.yaml` is a whole worker otherwise, and with `cell` its cell.
"""

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import fastavro

from consumers.adapters.cell_trial import CellTrial
from consumers.app import cell, compose, connections
from consumers.app.config import Config
from consumers.app.config_file import read_config
from consumers.app.worker import run_worker
from consumers.telemetry import logs
from schemas.codec.records import RecordCodec
from schemas.envelope import Envelope
from schemas.record import Record
from schemas.registry.avro_schema import AvroSchema
from schemas.registry.port import Registry, WriterSchema

RECURSIVE_ID = 0x0BADBAD1
RECURSIVE: dict[str, Any] = {
    "type": "record",
    "name": "Node",
    "fields": [{"name": "next", "type": ["null", "Node"]}],
}
KILLS = b"SIGKILL"
EATS = b"all the memory"
HANGS = b"for ever"


class Unlinted(Registry):
    """A registry without the lint, by which fastavro meets a schema that overflows its stack."""

    def __init__(self, real: Registry) -> None:
        self._real = real

    async def schema_of(self, schema_id: int) -> WriterSchema:
        if schema_id != RECURSIVE_ID:
            return await self._real.schema_of(schema_id)
        parsed: Any = fastavro.parse_schema(RECURSIVE)
        return WriterSchema(schema_id, AvroSchema("Node", "", "", parsed, logical=False))

    async def schema_of_guid(self, guid: UUID) -> AvroSchema:
        return await self._real.schema_of_guid(guid)

    async def id_of(self, subject: str, schema: AvroSchema) -> int:
        return await self._real.id_of(subject, schema)

    async def close(self) -> None:
        await self._real.close()


class DeadlyCodec(RecordCodec):
    """Decodes as the worker's own does, but for what kills, eats or hangs."""

    async def decode(
        self,
        record: Record,
        *,
        tenant: str,
        default_type: str | None = None,
        session_field: str | None = None,
    ) -> Envelope:
        if record.value == KILLS:
            os.kill(os.getpid(), signal.SIGKILL)
        if record.value == EATS:
            eaten = bytearray(1 << 30)
            if "cell" not in sys.argv:
                os.kill(
                    os.getpid(), signal.SIGKILL
                )  # as the kernel does, where a machine has less than this one
            del eaten
        while record.value == HANGS:
            if "cell" not in sys.argv:
                os.kill(os.getpid(), signal.SIGKILL)  # as the watch does, after `limits.stalled_s`
        return await super().decode(
            record, tenant=tenant, default_type=default_type, session_field=session_field
        )


def deadly_codec(config: Config, stack: AsyncExitStack) -> RecordCodec:
    source = connections.registry(config)
    stack.push_async_callback(source.close)
    return DeadlyCodec(Unlinted(source))


async def worker(path: Path) -> None:
    logs.configure(format="text")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with AsyncExitStack() as stack:
        file = read_config(path)
        program = ("-m", "tests.integration.deadly_worker", "cell")
        trial = CellTrial(cell.command(path, program), record_s=3.0)
        stack.push_async_callback(trial.close)
        codec = deadly_codec(file.config, stack)

        def deadly(parts: compose.Parts) -> compose.Parts:
            return replace(parts, codec=codec, trial=trial)

        await run_worker(file, stop=stop, adapt=deadly)


if __name__ == "__main__":
    if sys.argv[1] == "cell":
        cell.main(deadly_codec)
    else:
        asyncio.run(worker(Path(sys.argv[2])))
