"""Mutants of Python code, by mutmut: on a copy of the tree, so that nothing here is touched."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from groups import Group
from verdicts import Mutant, MutantsError, Verdict

ROOT: Final = Path(__file__).parents[2]
_COPIED: Final = ("consumers", "connectors", "schemas", "tests", "ops/crash")
_EXAMPLES: Final = "25"
"""Of each state machine, for a mutant."""
_PROGRESS: Final = re.compile(rb"(\d+)/(\d+) ")
_VERDICTS: Final = {
    1: Verdict.KILLED,
    3: Verdict.KILLED,
    0: Verdict.SURVIVED,
    33: Verdict.UNTESTED,
    5: Verdict.UNTESTED,
}
_TIMEOUTS: Final = frozenset({-24, 24, 36, 152, 255})


def played(group: Group, folder: Path, children: int, advance: Callable[[int, int], None]) -> list[Mutant]:
    """Play all mutants of a group in a folder and return what became of them; what is there already is not played again.

    Raises:
        MutantsError: the tests fail without any mutant, or mutmut ended early.
    """
    tree = folder / group.name
    _prepare(group, tree)
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(children)]
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "PYTHONPATH": str(Path(__file__).parent),
        "QUICK_FIRST": os.pathsep.join(group.tests),
        "POINTSMAN_EXAMPLES": _EXAMPLES,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    log = folder / f"{group.name}.log"
    with log.open("wb") as kept:
        process = subprocess.Popen(
            command, cwd=tree, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert process.stdout is not None
        while said := os.read(process.stdout.fileno(), 4096):
            kept.write(said)
            if found := _PROGRESS.findall(said):
                done, total = found[-1]
                advance(int(done), int(total))
        if process.wait():
            raise MutantsError(
                f"mutmut ended with {process.returncode}: {log.read_text(errors='replace')[-3000:]}"
            )
    return list(_found(group, tree))


def _prepare(group: Group, tree: Path) -> None:
    skipped = shutil.ignore_patterns("__pycache__", "results", ".hypothesis")
    for name in _COPIED:
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, tree / name, ignore=skipped, dirs_exist_ok=True)
    selection = [*group.tests, *(["-k", f"not ({group.deselected})"] if group.deselected else [])]
    arguments = [
        "-p",
        "no:xdist",
        "-p",
        "no:cacheprovider",
        "-p",
        "quick_first",
        "--hypothesis-profile",
        "mutants",
    ]
    settings = {
        "source_paths": ["consumers", "connectors", "schemas"],
        "only_mutate": group.modules,
        "also_copy": ["ops"],
        "pytest_add_cli_args": arguments,
        "pytest_add_cli_args_test_selection": selection,
        "timeout_multiplier": 10,
        "timeout_constant": 2,
        "use_git_change_detection": False,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (tree / "pyproject.toml").write_text("\n".join([project, "[tool.mutmut]", *lines, ""]), encoding="utf-8")


def _found(group: Group, tree: Path) -> Iterator[Mutant]:
    for module in group.modules:
        meta = tree / "mutants" / f"{module}.meta"
        codes: dict[str, int | None] = (
            json.loads(meta.read_text())["exit_code_by_key"] if meta.exists() else {}
        )
        for name, code in codes.items():
            verdict = (
                Verdict.TIMEOUT if code in _TIMEOUTS else _VERDICTS.get(code if code is not None else -1)
            )
            if verdict is None:
                raise MutantsError(f"{name} ended with {code}; look at it with `mutmut show` in {tree}")
            yield Mutant(module, name, verdict, _change(name, tree) if verdict.escaped else "")


def _change(name: str, tree: Path) -> str:
    """Return what a mutant changes, as the changed lines alone."""
    shown = subprocess.run(
        [sys.executable, "-m", "mutmut", "show", name],
        cwd=tree,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    changed = [
        line for line in shown.stdout.splitlines() if line[:1] in "+-" and line[:3] not in {"+++", "---"}
    ]
    return "\n".join(changed)
