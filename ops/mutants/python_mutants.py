"""Mutants of Python code, by mutmut: on a copy of the tree, so that nothing here is touched."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from groups import Group
from verdicts import Mutant, MutantsError, Verdict

ROOT: Final = Path(__file__).parents[2]
_HERE: Final = Path(__file__).parent
_SOURCES: Final = ("consumers", "connectors", "schemas")
_COPIED: Final = (*_SOURCES, "tests", "ops/crash")
_EXAMPLES: Final = "25"
"""Of each state machine, for a mutant."""
_ARGUMENTS: Final = (
    *("-s", "-q", "--tb", "native"),  # quick to make: a mutant's failure is not read by anybody
    *("-p", "no:xdist", "-p", "no:cacheprovider", "--hypothesis-profile", "mutants"),
)
_PROGRESS: Final = re.compile(rb"\n(\d+)/(\d+) ")
_VERDICTS: Final = {
    1: Verdict.KILLED,
    3: Verdict.KILLED,
    0: Verdict.SURVIVED,
    33: Verdict.UNTESTED,
    5: Verdict.UNTESTED,
}
_TIMEOUTS: Final = frozenset({-24, 24, 36, 152, 255})


def played(group: Group, folder: Path, children: int, advance: Callable[[int, int], None]) -> list[Mutant]:
    """Play all mutants of a group in a folder and return what became of them; what was noticed there is not played again.

    Raises:
        MutantsError: the tests fail without any mutant, or something ended early.
    """
    tree = folder / group.name
    _prepare(group, tree)
    with (folder / f"{group.name}.log").open("w+b", buffering=0) as log:
        _run([_HERE / "mutmut_changes.py"], tree, log)
        _forget_escaped(group, tree)
        player = [
            _HERE / "mutant_player.py",
            str(children),
            *group.modules,
            "--",
            *_ARGUMENTS,
            *_selected(group),
        ]
        _run(player, tree / "mutants", log, advance)
    return _found(group, tree)


def _run(
    command: Sequence[str | Path],
    folder: Path,
    log: BinaryIO,
    advance: Callable[[int, int], None] | None = None,
) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder) if advance else "",
        "POINTSMAN_EXAMPLES": _EXAMPLES,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    while said := os.read(process.stdout.fileno(), 4096):
        log.write(said)
        if advance and (found := _PROGRESS.findall(said)):
            done, total = found[-1]
            advance(int(done), int(total))
    if process.wait():
        log.seek(0)
        last = log.read().decode(errors="replace")[-3000:]
        raise MutantsError(f"{Path(command[0]).name} ended with {process.returncode}: {last}")


def _selected(group: Group) -> list[str]:
    return [*group.tests, *(["-k", f"not ({group.deselected})"] if group.deselected else [])]


def _prepare(group: Group, tree: Path) -> None:
    skipped = shutil.ignore_patterns("__pycache__", "results", ".hypothesis")
    changed = {str(tree / "mutants" / module) for module in group.modules}

    def renewed(source: str, copy: str) -> str:
        return copy if copy in changed else shutil.copy2(source, copy)

    for name in _COPIED:
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, tree / name, ignore=skipped, dirs_exist_ok=True)
        if name in _SOURCES:  # in a folder that is kept, mutmut would leave them as they were
            copy = tree / "mutants" / name
            shutil.copytree(ROOT / name, copy, ignore=skipped, copy_function=renewed, dirs_exist_ok=True)
    settings = {
        "source_paths": _SOURCES,
        "only_mutate": group.modules,
        "also_copy": ["ops"],
        "pytest_add_cli_args": _ARGUMENTS,
        "pytest_add_cli_args_test_selection": _selected(group),
        "use_git_change_detection": False,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (tree / "pyproject.toml").write_text("\n".join([project, "[tool.mutmut]", *lines, ""]), encoding="utf-8")


def _forget_escaped(group: Group, tree: Path) -> None:
    """Have those played once more that escaped in this folder before: a test may have been added since."""
    for module in group.modules:
        meta = _meta(module, tree)
        if meta.exists():
            document = json.loads(meta.read_text())
            codes: dict[str, int | None] = document["exit_code_by_key"]
            document["exit_code_by_key"] = {
                name: None if code is not None and code in _VERDICTS and _VERDICTS[code].escaped else code
                for name, code in codes.items()
            }
            meta.write_text(json.dumps(document, indent=4))


def _found(group: Group, tree: Path) -> list[Mutant]:
    verdicts = {
        (module, name): _verdict(name, code, tree)
        for module in group.modules
        for name, code in _codes(module, tree).items()
    }
    changes = _changes(
        {name: module for (module, name), verdict in verdicts.items() if verdict.escaped}, tree
    )
    return [
        Mutant(module, name, verdict, changes.get(name, "")) for (module, name), verdict in verdicts.items()
    ]


def _verdict(name: str, code: int | None, tree: Path) -> Verdict:
    verdict = Verdict.TIMEOUT if code in _TIMEOUTS else _VERDICTS.get(-1 if code is None else code)
    if verdict is None:
        raise MutantsError(f"{name} ended with {code}; look at it with `mutmut show` in {tree}")
    return verdict


def _changes(modules: Mapping[str, str], tree: Path) -> dict[str, str]:
    """Return what each of these mutants changes, as the changed lines alone."""
    if not modules:
        return {}
    said = subprocess.run(
        [sys.executable, Path(__file__).with_name("changed_lines.py")],
        cwd=tree,
        input=json.dumps(modules),
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    return json.loads(said.stdout)


def _codes(module: str, tree: Path) -> dict[str, int | None]:
    meta = _meta(module, tree)
    return json.loads(meta.read_text())["exit_code_by_key"] if meta.exists() else {}


def _meta(module: str, tree: Path) -> Path:
    """Return where mutmut keeps what became of a module's mutants."""
    return tree / "mutants" / f"{module}.meta"
