"""Make AsyncAPI's own parser ready; prints the command that reads a document and says what is wrong with it.

    {"command": ["node", "…/validate.mjs", "…"]}

Example:
    python ops/counterparts/start_asyncapi.py --install
"""

import argparse
from collections.abc import Generator, Mapping
from pathlib import Path

from installed import node_packages, node_program
from served import main

HERE = Path(__file__).resolve().parent / "asyncapi"


def start(_options: argparse.Namespace) -> Generator[Mapping[str, object]]:
    node = node_program()
    packages = node_packages("asyncapi", HERE)
    yield {"command": [node, str(HERE / "validate.mjs"), str(packages)]}


if __name__ == "__main__":
    main("asyncapi", __doc__ or "", start)
