"""A Kafka broker of our own (package noida-db): one node, on loopback, for the demo and quick tests.

It keeps groups, idempotent and transactional producers, fencing, and offsets by time. Its timers never fire: a
member that died is never evicted, so consumers need a `group_instance_id`; and an empty fetch returns at once.
"""

import asyncio
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from consumers.local.program import HOST, free_port, packaged, running

# Metadata, version 1: the request's header (key, version, correlation id, client id) and an empty list of topics.
_METADATA_REQUEST: Final = struct.pack(">hhih9si", 3, 1, 1, 9, b"pointsman", 0)


@asynccontextmanager
async def local_broker(data_dir: Path, *, port: int | None = None) -> AsyncGenerator[str]:
    """Serve Kafka from `data_dir` while the block runs; yields the bootstrap address.

    Records survive an orderly end: the next broker on the same folder has them again. Without `port` a free one
    is chosen.

    Raises:
        ConfigurationError: the extra `local` is not installed.
        HaltError: the broker did not come up.
    """
    port = port or free_port()
    async with running(_command(data_dir, port), log=data_dir / "broker.log", ready=lambda: _metadata(port)):
        yield f"{HOST}:{port}"


def _command(data_dir: Path, port: int) -> list[str]:
    # The program itself: the package's console script leaves it running when it ends.
    program = packaged("noida_db", "noida-db")
    where = ["--kafka-port", str(port), "--host", HOST, "--data-dir", str(data_dir.resolve())]
    return [str(program), "start", "--only", "kafka", *where]


async def _metadata(port: int) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(struct.pack(">i", len(_METADATA_REQUEST)) + _METADATA_REQUEST)
        _size, _correlation_id, brokers = struct.unpack(">iii", await reader.readexactly(12))
    except asyncio.IncompleteReadError as error:
        raise ConnectionError("the broker hung up") from error
    finally:
        writer.close()
    if brokers < 1:
        raise ConnectionError("the broker does not know itself yet")
