"""What came of an evaluation, on the screen: the candidate beside what was recorded, then each case that differs."""

from typing import Final

from rich.table import Table
from rich.text import Text

from consumers.cli.screen import out, styled, table
from consumers.evaluation.report import ERROR, Evaluated, Report, Totals

_MOST: Final = 50
"""Cases shown one by one; `--json` has them all."""


def show(report: Report) -> None:
    """Print it."""
    console = out()
    console.print(figures(report))
    differing = sorted(
        (each for each in report.cases if each.error or each.words), key=lambda each: each.score
    )
    if differing:
        console.print(differences(differing[:_MOST]))
    if len(differing) > _MOST:
        console.print(f"and {len(differing) - _MOST:,} more; --json shows all of them")
    for why, count in report.skipped.items():
        console.print(f"left out: {count:,} {why}", markup=False, style="dim")
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in report.kinds.items())
    console.print(
        f"{len(report.cases):,} cases: {kinds}; score {report.score:.4f}, accuracy {report.accuracy:.4f}",
        style="green" if not differing else "yellow",
    )


def figures(report: Report) -> Table:
    """Return what both used, side by side."""
    was, now = report.recorded, report.tried
    made = table("", "recorded", "candidate", right=["recorded", "candidate"])
    made.add_row("model", _names(was.models), _names(now.models or (report.candidate,)))
    made.add_row("prompt", _names(was.prompts), _names(now.prompts))
    made.add_row("runs", f"{was.runs:,}", f"{now.runs:,}")
    made.add_row("answers of the model, a run", _each(was.turns, was), _each(now.turns, now))
    made.add_row("look-ups, a run", _each(was.reads, was), _each(now.reads, now))
    tokens = (was.input_tokens + was.output_tokens, now.input_tokens + now.output_tokens)
    made.add_row("tokens, a run", _each(tokens[0], was, 0), _each(tokens[1], now, 0))
    made.add_row("cost, a run", f"${_each(was.cost_usd, was, 5)}", f"${_each(now.cost_usd, now, 5)}")
    made.add_row("an answer takes, p50", _seconds(was.p50_s), _seconds(now.p50_s))
    made.add_row("an answer takes, p99", _seconds(was.p99_s), _seconds(now.p99_s))
    return made


def differences(cases: list[Evaluated]) -> Table:
    """Return the cases that differ, the worst first."""
    made = table("case", "score", "same", "difference", right=["score", "same"])
    for each in cases:
        unrecorded = dict.fromkeys(asked for trial in each.trials for asked in trial.unrecorded)
        words = [each.error] if each.error else []
        words += [*each.words, *(f"not recorded: {asked}" for asked in unrecorded)]
        made.add_row(
            styled(each.case.id, "bold"),
            f"{each.score:.2f}",
            f"{each.same}/{len(each.trials)}",
            styled("\n".join(words), "red" if each.kind == ERROR else ""),
        )
    return made


def _names(names: tuple[str, ...]) -> Text:
    return styled(", ".join(names) or "-")


def _each(total: float, of: Totals, digits: int = 1) -> str:
    """Return the mean of a run: the candidate may have had more of them."""
    return f"{total / of.runs:,.{digits}f}" if of.runs else "-"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f} s"
