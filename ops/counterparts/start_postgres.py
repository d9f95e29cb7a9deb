"""Start a PostgreSQL server of Debian's on a free port of loopback, with a fresh database in a temporary folder.

    python ops/counterparts/start_postgres.py

Prints one JSON line: host, port, database, and the roles with their passwords: `owner` owns the tables, `worker` is what a
section logs in as, and `reader` may only read. It runs until SIGTERM or Ctrl-C. Nothing is kept.
"""

import argparse
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path

from installed import UnavailableError
from served import free_port, main, process

PACKAGE = "postgresql"
ROLES = {"owner": "owner-secret", "worker": "worker-secret", "reader": "reader-secret"}
DATABASE = "shop"


def _programs() -> Path:
    """Return the folder of the newest server that Debian installed; initdb is not on the path."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]), reverse=True
    )
    if not found:
        raise UnavailableError(f"no PostgreSQL server is installed; apt-get install {PACKAGE}")
    return found[0].parent


def _user() -> str | None:
    """Return whom the server is to run as: it refuses to be root."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)


def _initialise(programs: Path, folder: Path, user: str | None) -> Path:
    data = folder / "data"
    secret = folder / "password"
    secret.write_text(ROLES["owner"], encoding="utf-8")
    if user is not None:
        for path in (folder, secret):
            shutil.chown(path, user)
    command = [
        *(programs / "initdb", "--pgdata", data, "--username", "owner", "--pwfile", secret),
        *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120, user=user, cwd=folder)
    return data


def _create(programs: Path, port: int) -> None:
    statements = [f"CREATE DATABASE {DATABASE}"]
    statements += [
        f"CREATE ROLE {role} LOGIN PASSWORD '{secret}'" for role, secret in ROLES.items() if role != "owner"
    ]
    command = [programs / "psql", "-h", "127.0.0.1", "-p", str(port), "-U", "owner", "-d", "postgres", "-qX"]
    for statement in statements:
        subprocess.run(
            [*command, "-c", statement],
            check=True,
            capture_output=True,
            timeout=60,
            env={**os.environ, "PGPASSWORD": ROLES["owner"]},
        )


def start(options: argparse.Namespace) -> Generator[Mapping[str, object]]:
    programs = _programs()
    if options.install:
        yield {"programs": str(programs)}
        return
    user = _user()
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="postgres-") as made:
        folder = Path(made)
        data = _initialise(programs, folder, user)
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": "40",
            "shared_buffers": "32MB",
        }
        server = [programs / "postgres", "-D", data]
        for name, value in settings.items():
            server += ["-c", f"{name}={value}"]
        # It listens before it lets anybody in.
        ask = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        with process(
            server,
            ready=lambda: subprocess.run(ask, timeout=30, check=False).returncode == 0,
            log=folder / "log",
            user=user,
            cwd=folder,
            ends_by=signal.SIGINT,  # by SIGTERM it would wait for its clients
        ) as running:
            _create(programs, port)
            yield {
                "host": "127.0.0.1",
                "port": port,
                "database": DATABASE,
                "roles": ROLES,
                "pid": running.pid,
            }


if __name__ == "__main__":
    main("postgres", __doc__ or "", start)
