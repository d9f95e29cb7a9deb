"""Real systems for the tests: each started by its command under `ops/counterparts/`, or skipped with the reason."""

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

COUNTERPARTS = Path(__file__).parents[2] / "ops" / "counterparts"
START_S = 300
"""How long a first start may take: it fetches what the counterpart is made of."""
_CANNOT_BE_HAD = 69


@contextmanager
def counterpart(name: str, *arguments: str) -> Generator[dict[str, Any]]:
    """Run `ops/counterparts/start_<name>.py`; give what it says of itself, and stop it at the end.

    Where its packages cannot be had the test is skipped; CI fails on a skip that tests/conftest.py does not list.
    """
    command = [sys.executable, COUNTERPARTS / f"start_{name}.py", "--with-parent", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        assert started.stdin is not None
        assert started.stdout is not None
        try:
            line = started.stdout.readline()
            if not line:
                ended = started.wait(START_S)
                (pytest.skip if ended == _CANNOT_BE_HAD else pytest.fail)(
                    f"counterpart {name}: ended with {ended}, see standard error"
                )
            yield json.loads(line)
        finally:
            started.stdin.close()  # it stops with its parent
            started.wait(30)
