"""Prepare the MCP project's memory server: a small graph that is written and read, kept in one file.

It speaks on its standard input and output only, so whoever talks to it starts it. Prints one JSON line:

    {"command": ["/usr/bin/node", ".../index.js"], "env": {"MEMORY_FILE_PATH": "/tmp/mcp-memory-…/memory.jsonl"}}

The file is removed when this program ends.

Examples:
    python ops/counterparts/start_mcp_memory.py
    python ops/counterparts/start_mcp_memory.py --install   # only fetch what it is made of
"""

import argparse
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path

from installed import node_packages, node_program
from served import main

HERE = Path(__file__).resolve().parent / "mcp"


def start(_options: argparse.Namespace) -> Generator[Mapping[str, object]]:
    node = node_program()
    packages = node_packages("mcp", HERE)
    server = packages / "node_modules" / "@modelcontextprotocol" / "server-memory" / "dist" / "index.js"
    with tempfile.TemporaryDirectory(prefix="mcp-memory-") as folder:
        memory = Path(folder) / "memory.jsonl"
        yield {"command": [node, str(server)], "env": {"MEMORY_FILE_PATH": str(memory)}}


if __name__ == "__main__":
    main("mcp_memory", str(__doc__), start)
