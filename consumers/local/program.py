"""A server program of ours: found in an installed package, started on loopback, ended with us."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from consumers.errors import ConfigurationError, HaltError

HOST: Final = "127.0.0.1"
"""Where every local server listens; none of them knows a password."""
START_S: Final = 10.0
"""How long a server may take until it serves; it normally takes a tenth of a second."""
STOP_S: Final = 5.0
"""How long a server may take to end by itself before it is killed."""
_POLL_S: Final = 0.01
_LOG_TAIL: Final = 2000

# Run by a fresh interpreter that becomes the server, instead of by a function between fork and exec: that one
# could deadlock in a process with threads. SIGTERM, because the server still has data to write.
_DIE_WITH_PARENT: Final = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
if os.getppid() != int(sys.argv[1]):  # the parent went before the line above
    sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


def packaged(package: str, pattern: str) -> Path:
    """Return the program that an installed package brings; the package itself is not imported.

    Raises:
        ConfigurationError: the package or its program is not there; the message says how to install it.
    """
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    found = [path for folder in folders or () for path in Path(folder).glob(pattern)]
    if not found:
        raise ConfigurationError(
            f"the embedded servers need the package {package}, which is missing or has no program for this "
            "machine; pip install 'pointsman[local]', or name servers of your own in the configuration"
        )
    return found[0]


def free_port() -> int:
    """Return a port that was free a moment ago.

    It lies below the range that the kernel hands to outgoing connections, so that none of those takes it
    before the server does.
    """
    for _ in range(100):
        port = random.randrange(10_000, 30_000)  # noqa: S311 - no secret
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise HaltError("no free port on loopback between 10000 and 30000")


@asynccontextmanager
async def running(
    command: Sequence[str], *, log: Path, ready: Callable[[], Awaitable[None]]
) -> AsyncGenerator[subprocess.Popen[bytes]]:
    """Run a server while the block runs; it serves when the block begins and has ended when the block has.

    `ready` is awaited until it does not raise OSError. On Linux the server also ends when this process is
    killed, or the thread that entered the block ends. What it prints is appended to `log`.

    Raises:
        HaltError: it did not come up; the message ends with what it logged.
    """
    process = _start(command, log)
    try:
        await _await_ready(process, ready, log)
        yield process
    finally:
        await _stop(process)


def _start(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    prefix: list[str] = []
    if sys.platform == "linux":
        prefix = [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid())]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        # A session of its own: Ctrl-C at a terminal reaches only us, and we end the servers last.
        return subprocess.Popen(  # noqa: S603 - programs from installed packages, no shell
            [*prefix, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


async def _await_ready(
    process: subprocess.Popen[bytes], ready: Callable[[], Awaitable[None]], log: Path
) -> None:
    deadline = time.monotonic() + START_S
    while process.poll() is None and (left := deadline - time.monotonic()) > 0:
        try:
            async with asyncio.timeout(left):
                await ready()
        except OSError:  # TimeoutError is one
            await asyncio.sleep(_POLL_S)
        else:
            return
    raise HaltError(f"{log.stem} did not come up: {await asyncio.to_thread(_tail, log)}")


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-_LOG_TAIL:]


async def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        await asyncio.to_thread(process.wait, STOP_S)
    except subprocess.TimeoutExpired:
        pass
    finally:  # a cancelled wait leaves no server behind either
        if process.poll() is None:
            process.kill()
            process.wait()
