"""A counterpart that runs: started on loopback, described in one JSON line, stopped with whoever started it."""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from installed import UnavailableError, unavailable


class NotReadyError(Exception):
    """A counterpart ended before it served, or does not serve in time."""


def main(
    name: str,
    doc: str,
    start: Callable[[argparse.Namespace], Generator[Mapping[str, object]]],
    *,
    options_of: Callable[[argparse.ArgumentParser], object] = lambda parser: parser,
) -> None:
    """Be the start command of a counterpart.

    Prints what `start` yields as one line of JSON when the counterpart serves, and goes on until SIGTERM, Ctrl-C or,
    with --with-parent, until standard input closes; then `start` is closed and stops what it has started.

    Args:
        name: of the counterpart.
        doc: shown by --help.
        start: a generator that yields once.
        options_of: adds options of its own to the command.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--with-parent", action="store_true", help="also stop when standard input closes: the caller is gone"
    )
    parser.add_argument("--install", action="store_true", help="only fetch what it is made of")
    options_of(parser)
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    if options.with_parent:
        threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    try:
        with contextmanager(start)(options) as said:
            print(json.dumps(dict(said)), flush=True)
            while not options.install:
                time.sleep(3600)  # a signal ends it
    except UnavailableError as error:
        unavailable(name, error)
    except NotReadyError as error:
        sys.exit(f"{name}: {error}")


@contextmanager
def process(
    command: Sequence[str | Path],
    *,
    ready: Callable[[], bool],
    log: Path,
    within_s: float = 60,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: str | None = None,
    ends_by: signal.Signals = signal.SIGTERM,
) -> Generator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; its whole process group is ended then.

    Args:
        command: what to run.
        ready: says whether it serves; asked every 50 ms.
        log: the file that gets what it prints.
        within_s: how long it may take to serve.
        env: further environment variables.
        cwd: where it runs.
        user: as whom, for servers that refuse to be root.
        ends_by: the signal that makes it stop at once.

    Raises:
        NotReadyError: with the end of its log.
    """
    with log.open("ab") as out:
        started = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            user=user,
            start_new_session=True,
        )
    try:
        _wait(started, ready, log, within_s)
        yield started
    finally:
        _stop(started, ends_by)


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Say whether somebody accepts connections on this port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait(started: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path, within_s: float) -> None:
    until = time.monotonic() + within_s
    while not ready():
        if started.poll() is not None:
            raise NotReadyError(f"it ended with {started.returncode}: {_tail(log)}")
        if time.monotonic() > until:
            raise NotReadyError(f"it does not serve after {within_s:.0f} s: {_tail(log)}")
        time.sleep(0.05)


def _stop(started: subprocess.Popen[bytes], ends_by: signal.Signals) -> None:
    for number in (ends_by, signal.SIGKILL):
        try:
            os.killpg(started.pid, number)
            started.wait(10)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
    started.wait(10)


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-2000:]


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # stopping what was started is not to be interrupted
    sys.exit(0)


def _end_with_parent() -> None:
    # Not sys.stdin: its lock, held by this thread, would abort the interpreter's shutdown.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
