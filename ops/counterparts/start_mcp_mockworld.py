"""Start mockworld's payments, a system that keeps books, honours idempotency keys and declines cards, as an MCP server over HTTP.

Prints one JSON line when it serves:

    {"url": "http://127.0.0.1:23456/mcp/", "pid": 4711, "command": ["…/python", "-c", "…", "run", "mock:payments", …]}

Its state is in memory, the same at each start. `command` is for a connector that starts one of its own; with `--faults hostile`
added it fails as often as its authors think that others do.

Examples:
    python ops/counterparts/start_mcp_mockworld.py
    python ops/counterparts/start_mcp_mockworld.py --install   # only fetch what it is made of
"""

import argparse
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path

from installed import python_environment
from served import free_port, listens, main, process

HERE = Path(__file__).resolve().parent / "mcp_mockworld"
RUN = "from mockworld.cli import main; main()"  # its script names the folder that it was installed into at first


def start(options: argparse.Namespace) -> Generator[Mapping[str, object]]:
    python = python_environment("mcp_mockworld", HERE / "requirements.lock")
    command = [str(python), "-c", RUN, "run", "mock:payments", "--seed", "42", "--faults", "none"]
    if options.install:
        yield {"command": command}
        return
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="mcp-mockworld-") as folder:
        serve = [*command, "--transport", "http", "--host", "127.0.0.1", "--port", str(port)]
        log, env = Path(folder) / "server.log", {"HOME": folder}
        with process(serve, ready=lambda: listens(port), log=log, env=env) as served:
            yield {"url": f"http://127.0.0.1:{port}/mcp/", "pid": served.pid, "command": command}


if __name__ == "__main__":
    main("mcp_mockworld", str(__doc__), start)
