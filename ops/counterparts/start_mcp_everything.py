"""Start the MCP project's own server of everything, over streamable HTTP and on loopback; say how to start it as a process.

Prints one JSON line when it serves:

    {"url": "http://127.0.0.1:23456/mcp", "pid": 4711, "command": ["/usr/bin/node", ".../index.js", "stdio"]}

`command` is for a connector that starts the server itself. The HTTP server binds all interfaces and has no setting for it:
`mcp/loopback.mjs` is loaded before it and has it bind loopback.

Examples:
    python ops/counterparts/start_mcp_everything.py
    python ops/counterparts/start_mcp_everything.py --install   # only fetch what it is made of
"""

import argparse
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path

from installed import node_packages, node_program
from served import free_port, listens, main, process

HERE = Path(__file__).resolve().parent / "mcp"


def start(options: argparse.Namespace) -> Generator[Mapping[str, object]]:
    node = node_program()
    packages = node_packages("mcp", HERE)
    server = packages / "node_modules" / "@modelcontextprotocol" / "server-everything" / "dist" / "index.js"
    command = [node, str(server), "stdio"]
    if options.install:
        yield {"command": command}
        return
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="mcp-everything-") as folder:
        serve = [node, "--import", (HERE / "loopback.mjs").as_uri(), server, "streamableHttp"]
        log = Path(folder) / "server.log"
        with process(serve, ready=lambda: listens(port), log=log, env={"PORT": str(port)}) as served:
            yield {"url": f"http://127.0.0.1:{port}/mcp", "pid": served.pid, "command": command}


if __name__ == "__main__":
    main("mcp_everything", str(__doc__), start)
