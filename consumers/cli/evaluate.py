"""`pointsman evaluate`: cases from a topic or a file, progress, and what came of them as tables, JSON and JUnit."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import typer

from consumers.app.evaluating import How, Recorded, evaluated, recorded_cases
from consumers.cli.evaluate_report import show
from consumers.cli.exits import BELOW, FAILED, fail, load, perform, refuse
from consumers.cli.replay import selected
from consumers.cli.screen import err, out, plain, print_json, progress_bar
from consumers.evaluation.case import Case, CaseFileError, line_of, read_cases
from consumers.evaluation.junit import junit as junit_of
from consumers.evaluation.report import Report

Selected = tuple[str, datetime | None, datetime | None, Mapping[int, tuple[int, int]], int]
"""Topic, since, until, offsets of partitions, and the most runs."""


def evaluate(
    config: Path,
    selection: Selected | None,
    cases: Path | None,
    save_cases: Path | None,
    *,
    candidate: Path | None,
    model: str | None,
    how: How,
    fail_under: float | None,
    junit: Path | None,
    as_json: bool,
) -> None:
    """Evaluate, or only save the cases; the exit code is 3 below `fail_under`, 1 where a case came to no end."""
    recorded = Recorded(_read(cases)) if selection is None and cases else _recorded(config, selection)
    if save_cases is not None:
        _save(save_cases, recorded, as_json=as_json)
        return
    file = load(candidate or config)
    with _progress("evaluating") as progress:
        report = perform(evaluated(file, recorded, how, model=model, progress=progress))
    if junit is not None:
        _write(junit, junit_of(report))
    if as_json:
        print_json(report.body())
    else:
        show(report)
    _end(report, fail_under)


def _end(report: Report, fail_under: float | None) -> None:
    if fail_under is not None and report.score < fail_under:
        err().print(f"the score {report.score:.4f} is below {fail_under:g}", style="red")
        raise typer.Exit(BELOW)
    if report.errors:
        raise typer.Exit(FAILED)


def _recorded(config: Path, selection: Selected | None) -> Recorded:
    assert selection is not None
    topic, since, until, offsets, most = selection
    chosen, file = selected(topic, since, until, offsets), load(config)
    with _progress("reading") as progress:
        recorded = perform(recorded_cases(file, chosen, progress, most=most))
    if not recorded.cases:
        why = ", ".join(f"{count} {reason}" for reason, count in recorded.skipped.items())
        fail(f"{chosen.topic}: no finished run in this part of the topic ({why or 'it is empty'})")
    return recorded


def _read(path: Path) -> list[Case]:
    try:
        return read_cases(path.read_text(encoding="utf-8").splitlines())
    except OSError as error:
        refuse(f"{path}: cannot be read: {error.strerror}")
    except (CaseFileError, UnicodeDecodeError) as error:
        refuse(f"{path}: {error}")


def _save(path: Path, recorded: Recorded, *, as_json: bool) -> None:
    _write(path, "".join(f"{line_of(case)}\n" for case in recorded.cases).encode())
    if as_json:
        print_json({"cases": len(recorded.cases), "file": str(path), "skipped": dict(recorded.skipped)})
    else:
        out().print(f"{len(recorded.cases):,} cases in {plain(path)}", markup=False)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        fail(f"{path}: cannot be written: {error.strerror}")


@contextmanager
def _progress(what: str) -> Generator[Callable[[int, int], None]]:
    with progress_bar(what) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
