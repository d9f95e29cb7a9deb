"""Pin the definitions of an MCP server's tools in a file, and say what changed since.

Review the file before a configuration names it: a language model reads these texts, and will call these tools.

Examples:
    python -m connectors.mcp --out crm.tools.json -- crm-server --read-only
    python -m connectors.mcp --out crm.tools.json --env CRM_KEY -- crm-server
    python -m connectors.mcp --out crm.tools.json --url https://crm.example.com/mcp --token CRM_TOKEN
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import Final

from pydantic import SecretStr, ValidationError

from connectors.errors import ActionError
from connectors.mcp.definitions import PinError, Snapshot, difference, read_snapshot, written
from connectors.mcp.settings import ServerSettings, Variable
from connectors.mcp.snapshot import snapshot

_START_S: Final = 100.0
"""A person waits for it, so it may take its time, such as to install itself."""


def main() -> None:
    """Run the command."""
    options = _options()
    try:
        settings = ServerSettings(
            command=tuple(options.command),
            env={name: Variable(secret=_secret(name)) for name in options.env},
            url=options.url,
            token=None if options.token is None else _secret(options.token),
            egress=tuple(options.egress),
            start_s=_START_S,
        )
        found = asyncio.run(snapshot("to be pinned", settings))
        before = read_snapshot(options.out.read_text(encoding="utf-8")) if options.out.exists() else None
        options.out.write_text(written(found), encoding="utf-8")
    except ValidationError as error:
        sys.exit("; ".join(each["msg"] for each in error.errors(include_input=False)))
    except PinError as error:
        sys.exit(f"{options.out} {error}; move it away to pin anew")
    except (ActionError, OSError, LookupError) as error:
        sys.exit(str(error))
    sys.stdout.write("".join(f"{line}\n" for line in report(before, found)))


def report(before: Snapshot | None, found: Snapshot) -> list[str]:
    """Return what a person has to review, a line for each tool that is new, changed or gone."""
    known = {} if before is None else before.tools
    lines: list[str] = []
    for name in sorted({*known, *found.tools}):
        if name not in known:
            lines.append(f"new       {name}")
        elif why := difference(known[name], found.tools.get(name)):
            lines.append(f"changed   {name}: {why}")
    lines.append(f"{len(found.tools)} tools of {found.server}")
    return lines


def _secret(name: str) -> SecretStr:
    if name not in os.environ:
        raise LookupError(f"environment variable {name} is not set")
    return SecretStr(os.environ[name])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m connectors.mcp",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    parser.add_argument("--url", help="of a server that speaks streamable HTTP")
    parser.add_argument("--token", metavar="VARIABLE", help="the environment variable with its bearer token")
    parser.add_argument(
        "--egress", action="append", default=[], help="an address or network that its name may resolve to"
    )
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="VARIABLE",
        help="an environment variable that the server gets",
    )
    parser.add_argument("command", nargs="*", help="program and arguments of a server that is a process")
    return parser.parse_args()


if __name__ == "__main__":
    main()
