"""A server that is a process of ours: JSON-RPC by lines on its standard input and output.

In place of the transport of the `mcp` package, which keeps a line of any length, hands on more of our environment and
leaves standard error to the terminal. The process leads a group of its own, which is ended as a whole.
"""

import asyncio
import logging
import os
import signal
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from connectors.errors import UnusableResultError
from connectors.mcp.failures import HandedOver
from connectors.mcp.lines import Cut, Cutter, answered
from connectors.secret import Secret, present_value

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from mcp.shared.message import SessionMessage
    from pydantic import SecretStr

INHERITED: Final = ("PATH", "HOME", "LANG", "TMPDIR")
"""All that a server gets of the worker's environment."""

_log = logging.getLogger(__name__)

_CHUNK: Final = 1 << 16
_QUEUED: Final = 100
"""Messages that wait to be written; further ones make their senders wait."""
_WRITE_S: Final = 30.0
"""A server that reads nothing for so long is ended."""
_GRACE_S: Final = 2.0
"""How long it may take to end when its input closes, and again when it is told to."""
_LOGGED_LINES: Final = 100
_LOGGED_CHARACTERS: Final = 300


@dataclass(frozen=True, slots=True)
class Command:
    """What to start.

    Attributes:
        name: of the connector, for the log.
        command: program and arguments.
        cwd: where, or None for where we are.
        env: variables beside the inherited ones.
        secrets: variables whose values are looked up at each start, and never shown.
        start_s: seconds in which they must be had.
        max_bytes: a longer message is dropped, and the request that it answers fails.
    """

    name: str
    command: Sequence[str]
    cwd: Path | None
    env: Mapping[str, str]
    secrets: Mapping[str, "SecretStr"]
    start_s: float
    max_bytes: int


@asynccontextmanager
async def started(
    command: Command, handed_over: HandedOver, on_end: Callable[[], None]
) -> AsyncGenerator[tuple[Any, Any]]:
    """Run a server until the block ends; yields the streams that a session of the `mcp` package talks through.

    Args:
        command: what to start.
        handed_over: where errors are left for those who wait for an answer.
        on_end: called when it can be talked to no longer; more than once.

    Raises:
        OSError: it cannot be started.
        SecretUnavailableError: a secret cannot be had.
    """
    import anyio
    from mcp.shared.message import SessionMessage

    secrets = {name: await present_value(secret, command.start_s) for name, secret in command.secrets.items()}
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *command.command,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        cwd=command.cwd,
        env={**inherited, **command.env, **secrets},
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    into, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write, out_of = anyio.create_memory_object_stream[SessionMessage](_QUEUED)
    answers = _Answers(command, handed_over, into)
    tasks = [
        asyncio.create_task(answers.read_all(process.stdout, on_end), name=f"mcp {command.name} stdout"),
        asyncio.create_task(_write_all(process.stdin, out_of, on_end), name=f"mcp {command.name} stdin"),
        asyncio.create_task(
            _log_all(process.stderr, command, secrets.values()), name=f"mcp {command.name} stderr"
        ),
    ]
    try:
        yield read, write
    finally:
        on_end()
        try:
            await _end(process)
        finally:
            for task in tasks:
                task.cancel()
            for stream in (into, read, write, out_of):
                stream.close()
            await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class _Answers:
    """What a server writes, message by message."""

    command: Command
    handed_over: HandedOver
    into: "MemoryObjectSendStream[SessionMessage | Exception]"

    async def read_all(self, stdout: StreamReader, on_end: Callable[[], None]) -> None:
        import anyio

        cutter = Cutter(self.command.max_bytes)
        try:
            while chunk := await stdout.read(_CHUNK):
                for cut in cutter.feed(chunk):
                    message = self._message(cut)
                    if message is not None:
                        await self.into.send(message)
        except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass  # the session is closed, or the pipe broke: both end here
        finally:
            on_end()
            self.into.close()

    def _message(self, cut: Cut) -> "SessionMessage | None":
        from mcp.shared.message import SessionMessage
        from mcp_types import JSONRPCError, jsonrpc_message_adapter

        name, limit = self.command.name, self.command.max_bytes
        if cut.too_long:
            error = UnusableResultError(
                f"{name}: an answer of more than {limit} bytes", code="result_too_large", executed=False
            )
            request = cut.answers
        else:
            try:
                return SessionMessage(jsonrpc_message_adapter.validate_json(cut.data, by_name=False))
            except ValueError:  # its message would show what was sent
                error = UnusableResultError(f"{name}: an answer that is no JSON-RPC message", executed=False)
                request = answered(cut.data[:256], cut.data[-256:])
        if request is None:
            _log.warning("MCP server %s wrote something that is no message", name)
            return None
        said = self.handed_over.put(error)
        return SessionMessage(JSONRPCError.model_validate({"jsonrpc": "2.0", "id": request, "error": said}))


async def _write_all(
    stdin: StreamWriter, out_of: "MemoryObjectReceiveStream[SessionMessage]", on_end: Callable[[], None]
) -> None:
    try:
        async for item in out_of:
            stdin.write(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
            async with asyncio.timeout(_WRITE_S):
                await stdin.drain()
    except (OSError, TimeoutError):
        pass  # it reads no longer
    finally:
        on_end()


async def _log_all(stderr: StreamReader, command: Command, secrets: Any) -> None:
    """Log what a server writes on standard error, within bounds; the pipe is emptied in any case."""
    cutter, left = Cutter(_CHUNK), _LOGGED_LINES
    known = {*secrets, *(value for each in command.secrets.values() for value in _known(each))} - {""}
    hidden = sorted(known, key=len, reverse=True)  # one may begin with another
    while chunk := await stderr.read(_CHUNK):
        for cut in cutter.feed(chunk):
            text = cut.data.decode("utf-8", "replace").strip()
            for secret in hidden:
                text = text.replace(secret, "***")
            if text and left:
                left -= 1
                more = "" if left else " (further lines of this process are not logged)"
                _log.info("MCP server %s: %s%s", command.name, text[:_LOGGED_CHARACTERS], more)


def _known(secret: "SecretStr") -> tuple[str, ...]:
    return secret.values if isinstance(secret, Secret) else ()


async def _end(process: Process) -> None:
    """End a server as the protocol says: close its input, then tell it to end, then kill it with all that it started."""
    assert process.stdin is not None
    try:
        process.stdin.close()
        if not await _exits(process):
            _signal(process, signal.SIGTERM)
            await _exits(process)
    finally:
        # Also where it has ended: what it started may be left, and is in its group.
        _signal(process, signal.SIGKILL)
        await _exits(process)


async def _exits(process: Process) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(_GRACE_S):
            await process.wait()
    return process.returncode is not None


def _signal(process: Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
