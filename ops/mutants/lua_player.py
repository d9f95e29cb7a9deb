"""Plays changed Lua scripts: reads folders from standard input, a line each, and answers each with pytest's exit code.

Each is played in a fork of this process, which has read everything that the tests need. `timeout` where it does not end.
"""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Final

import pytest

_TESTS: Final = (
    "tests/consumers/adapters/sessions/test_sessions_contract.py",
    "tests/consumers/adapters/sessions/test_redis_sessions.py",
    "tests/consumers/adapters/sessions/test_redis_damage.py",
    "tests/consumers/adapters/sessions/test_sessions_machine.py",
    "tests/consumers/adapters/sessions/test_redis_check.py",
)
_PLAIN: Final = (
    *("-x", "-q", "--tb", "native", "-p", "no:xdist", "-p", "no:cacheprovider"),
    *("--hypothesis-profile", "mutants"),
)
_ARGUMENTS: Final = (*_PLAIN, "-k", "redis and not cluster and not sentinel", *_TESTS)
_REBUILDING: Final = (
    *_PLAIN,
    "tests/consumers/adapters/sessions/test_restoring.py",
    "tests/consumers/recovery/test_keeper.py",
)
_OF_REBUILDING: Final = frozenset({"claim.lua", "note.lua", "restore.lua", "vouch.lua"})
"""Scripts that only a rebuilding calls: none of the other tests reaches them."""
_PATIENCE_S: Final = 120.0


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    for arguments in (_ARGUMENTS, _REBUILDING):
        pytest.main(["--collect-only", *arguments])
    for line in sys.stdin:
        print(_played(line.strip()), file=answers)


def _played(folder: str) -> str:
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        _play(folder)
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return str(os.waitstatus_to_exitcode(status))
        time.sleep(0.02)
    os.killpg(pid, signal.SIGKILL)  # the group is the fork's own, with the server that it started
    os.waitpid(pid, 0)
    return "timeout"


def _play(folder: str) -> None:
    from consumers.adapters import redis_scripts

    redis_scripts._FOLDER = Path(folder)  # noqa: SLF001 # pyright: ignore - the scripts are read from there
    script = Path(folder).name.partition(":")[0]
    os._exit(int(pytest.main(list(_REBUILDING if script in _OF_REBUILDING else _ARGUMENTS))))


if __name__ == "__main__":
    main()
