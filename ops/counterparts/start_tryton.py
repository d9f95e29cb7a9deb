"""Starts a Tryton 8.2 with sales, stock, invoices and complaints on loopback.

The first start installs it and builds its database (about a minute); each start works on a fresh copy of that. Prints
url, database, user and password, a second user whose logins a test may have throttled, and the database's file.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from installed import UnavailableError, kept, python_environment
from served import free_port, listens, main, process

INGREDIENTS = Path(__file__).parent / "tryton"
BUILD = INGREDIENTS / "build.py"
LOCK = INGREDIENTS / "requirements.lock"
BUILD_S = 280
PASSWORD = "a long counterpart password"
CONFIGURATION = """\
[database]
uri = sqlite://
path = {folder}
[web]
listen = 127.0.0.1:{port}
[session]
# A second wrong password is the last one for now: a third login is refused with 429.
max_attempt = 1
"""
SERVE = "from trytond.cli import main; main()"


def start(options: argparse.Namespace) -> Generator[Mapping[str, object]]:
    python = python_environment("tryton", LOCK)
    pristine = database(python)
    if options.install:
        yield {"installed": str(python.parents[1])}
        return
    with tempfile.TemporaryDirectory(prefix="tryton-") as temporary:
        folder, port = Path(temporary), free_port()
        shutil.copy(pristine, folder / "erp.sqlite")
        configuration = folder / "trytond.conf"
        configuration.write_text(CONFIGURATION.format(folder=folder, port=port), encoding="utf-8")
        command = [python, "-c", SERVE, "-c", configuration, "-d", "erp"]
        with process(command, ready=lambda: listens(port), log=folder / "log") as server:
            yield {
                "url": f"http://127.0.0.1:{port}",
                "database": "erp",
                "user": "pointsman",
                "password": PASSWORD,
                "throttled_user": "throttled",
                "file": str(folder / "erp.sqlite"),
                "pid": server.pid,
            }


def database(python: Path) -> Path:
    """Return the pristine database, built once for this lock file, this seed and these months: its fiscal year ends."""
    today = datetime.now(UTC)
    months = f"{today.year}-{today.month // 4}".encode()

    def build(folder: Path) -> None:
        command = [python, BUILD, folder, PASSWORD]
        done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_S, check=False)
        if done.returncode:
            sys.exit(f"tryton: building the database ended with {done.returncode}: {done.stderr[-2000:]}")

    try:
        return kept("tryton-database", LOCK.read_bytes() + BUILD.read_bytes() + months, build) / "erp.sqlite"
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"its database was not built within {BUILD_S} s") from error


if __name__ == "__main__":
    main("tryton", __doc__ or "", start)
