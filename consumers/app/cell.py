"""The cell: `python -m consumers.app.cell pointsman.yaml` decodes the records it is given, one a line, and nothing else.

It has the worker's configuration and codec, but bounds on memory and processor time, which the worker cannot have. See
`consumers.adapters.cell_trial` for who starts it, and what is said.
"""

import asyncio
import contextlib
import resource
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import BinaryIO

from consumers.adapters.cell_trial import READY, SURVIVED, TOO_LARGE
from consumers.adapters.own_messages import OWN_TENANT
from consumers.app import connections
from consumers.app.config import Config
from consumers.app.config_file import read_config
from schemas.codec.record_json import record_of_line
from schemas.codec.records import RecordCodec
from schemas.errors import UnreadableError
from schemas.record import Record
from schemas.redriven import redriven_of

MakeCodec = Callable[[Config, AsyncExitStack], RecordCodec]


def command(path: Path, program: tuple[str, ...] = ("-m", "consumers.app.cell")) -> list[str]:
    """Return what starts a cell for a configuration."""
    return [sys.executable, *program, str(path)]


def main(make_codec: MakeCodec = connections.codec_of) -> None:
    """Decode what comes in until there is no more."""
    path, answers = Path(sys.argv[-1]), sys.stdout.buffer
    # What others print on standard output must not be taken for an answer.
    with contextlib.redirect_stdout(sys.stderr):
        asyncio.run(_serve(read_config(path).config, make_codec, sys.stdin.buffer, answers))


async def _serve(config: Config, make_codec: MakeCodec, lines: BinaryIO, answers: BinaryIO) -> None:
    async with AsyncExitStack() as stack:
        codec = make_codec(config, stack)
        _bound_memory(config.limits.decode_bytes)
        _say(answers, READY)
        for line in lines:  # nothing else runs here that could be held up
            _bound_processor(config.limits.decode_s)
            _say(answers, await _decode(config, codec, record_of_line(line)))


async def _decode(config: Config, codec: RecordCodec, record: Record) -> bytes:
    if record.topic == config.kafka.redrive_topic:
        with contextlib.suppress(UnreadableError):  # the worker decodes none of it
            record = redriven_of(record).record
    route = next((route for route in config.routes if route.topic == record.topic), None)
    try:
        await codec.decode(
            record,
            tenant=route.tenant if route else OWN_TENANT,
            default_type=route.event if route else None,
            session_field=route.session_field if route else None,
        )
    except Exception as error:  # noqa: BLE001 - the worker meets the same one, and knows what to do with it
        if _for_memory(error):
            return TOO_LARGE
    return SURVIVED


def _for_memory(error: BaseException | None) -> bool:
    """Say whether memory ran out: the worker has no bound, and would go on until the kernel ends it."""
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _bound_memory(more: int) -> None:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return  # no Linux: there is no such bound, and the one on time is left
    limit = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _bound_processor(seconds: float) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime + seconds) + 1, hard))


def _say(answers: BinaryIO, what: bytes) -> None:
    answers.write(what)
    answers.flush()


if __name__ == "__main__":
    main()
