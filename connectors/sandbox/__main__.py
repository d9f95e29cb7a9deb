"""`python -m connectors.sandbox --database FILE`: the service in a process of its own.

Prints one JSON line with its address once it answers; SIGTERM and SIGINT stop it cleanly.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from connectors.sandbox.service.server import serve

TOKEN_VARIABLE = "SANDBOX_TOKEN"  # noqa: S105 - the name of a variable, no secret


def main() -> int:
    """Run the service; returns the process's exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m connectors.sandbox",
        description=f"A small ERP and CRM over SQLite. Callers need the bearer token in ${TOKEN_VARIABLE}.",
        epilog=f"example: {TOKEN_VARIABLE}=secret python -m connectors.sandbox --database sandbox.db --port 8400",
    )
    parser.add_argument("--database", type=Path, required=True, help="SQLite file; made if it is missing")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) chooses a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    options = parser.parse_args()
    token = os.environ.get(TOKEN_VARIABLE)
    if not token:
        parser.error(f"set {TOKEN_VARIABLE} to the bearer token that callers must send")
    asyncio.run(_serve_until_told(options.database, token=token, host=options.host, port=options.port))
    return 0


async def _serve_until_told(database: Path, *, token: str, host: str, port: int) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    sandbox = await serve(database, token=token, host=host, port=port)
    try:
        sys.stdout.write(json.dumps({"address": sandbox.address}) + "\n")
        sys.stdout.flush()
        await told.wait()
    finally:
        await sandbox.close()


if __name__ == "__main__":
    sys.exit(main())
