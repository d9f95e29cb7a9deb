"""Says what mutants change: reads `{name: module}` as JSON, writes `{name: changed lines}`. Run it where mutmut ran.

`mutmut show` says it of one, and needs more than a second to start.
"""

import json
import sys

from mutmut.mutation.diff_apply import get_diff_for_mutant


def main() -> None:
    modules: dict[str, str] = json.load(sys.stdin)
    json.dump({name: _changed(name, module) for name, module in modules.items()}, sys.stdout)


def _changed(name: str, module: str) -> str:
    lines = get_diff_for_mutant(name, path=module).splitlines()
    return "\n".join(line for line in lines if line[:1] in "+-" and line[:3] not in {"+++", "---"})


if __name__ == "__main__":
    main()
