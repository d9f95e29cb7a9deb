"""Scenes as rich draws them. Pure functions from views to renderables."""

from collections.abc import Mapping, Sequence
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from consumers.demo.rows import STATUS_TONES, Row, SceneView, Tone
from consumers.demo.story import Again

COLOURS: Final[Mapping[Tone, str]] = {
    "plain": "default",
    "good": "green",
    "warn": "yellow",
    "bad": "bold red",
    "quiet": "dim",
    "ask": "bold cyan",
    "undo": "magenta",
}
_KIND_COLOURS: Final[Mapping[str, str]] = {
    "event": "bold blue",
    "record": "bold blue",
    "decision": "bold",
    "action": "dim",
    "outcome": "bold",
    "dead letter": "bold",
}
_MARKS: Final[Mapping[Tone, str]] = {"good": "✓", "warn": "✗", "bad": "✗", "ask": "?", "undo": "↩"}
_LABEL: Final = len("├ approval")
_INNER: Final = frozenset({"action", "undo", "hold", "approval"})
"""Kinds that stand below a decision."""


def scene_panel(view: SceneView) -> Panel:
    """Return a scene as a box: title, what to look for, the rows so far, and how it ended."""
    tone = _tone(view)
    colour = COLOURS[tone] if tone else "cyan"
    about = Text(view.scene.about, style="italic dim")
    parts: list[RenderableType] = [about, _table(view.rows)]
    if not view.over:
        parts.append(Spinner("dots", style="cyan"))
    return Panel(
        Group(*parts),
        title=Text(f" {view.number}  {view.scene.title} ", style=f"bold {colour}"),
        title_align="left",
        subtitle=_bill(view),
        subtitle_align="right",
        border_style=colour,
        box=box.ROUNDED,
        padding=(0, 1),
    )


def _table(rows: Sequence[Row]) -> Table:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True, min_width=_LABEL)
    table.add_column(ratio=1, overflow="fold")
    table.add_column(no_wrap=True, justify="right", style="dim")
    table.add_column(no_wrap=True, justify="right", style="dim")
    for place, row in enumerate(rows):
        last = place + 1 == len(rows) or rows[place + 1].kind not in _INNER
        table.add_row(_label(row, last=last), _said(row), _tokens(row), _time(row.at_s))
    return table


def _label(row: Row, *, last: bool) -> Text:
    guide = ("└ " if last else "├ ") if row.kind in _INNER else ""
    colour = _KIND_COLOURS.get(row.kind, COLOURS[row.tone])
    return Text.assemble((guide, "dim"), (row.kind, colour))


def _said(row: Row) -> Text:
    """Return what happened and what came of it: a call keeps its colour, what came of it tells how it went."""
    colour = COLOURS[row.tone]
    if row.kind in {"outcome", "dead letter"}:
        mark = _MARKS.get(row.tone, "")
        said = Text.assemble((f"{mark} {row.text}", f"bold {colour}"))
        return said.append(f"  {row.after}") if row.after else said
    if row.kind in {"action", "undo"}:
        said = Text(row.text, style="magenta" if row.kind == "undo" else "cyan")
        return said.append(" → ", style="dim").append(row.after, style=colour) if row.after else said
    said = Text(row.text, style=colour)
    return said.append(f"  {row.after}", style="default") if row.after else said


def _tokens(row: Row) -> str:
    return f"{row.tokens:,} tokens" if row.tokens else ""


def _time(at_s: float | None) -> str:
    return "" if at_s is None else f"{at_s:.2f} s"


def _bill(view: SceneView) -> Text | None:
    outcome = view.outcome
    if outcome is None or not view.over:
        return None
    if isinstance(view.scene.published, Again):
        return Text(" no turn, no token, no effect ", style="dim")
    tokens = outcome.input_tokens + outcome.output_tokens
    turns = "turn" if outcome.turns == 1 else "turns"
    return Text(f" {outcome.turns} {turns}, {tokens:,} tokens, ${outcome.cost_usd:.4f} ", style="dim")


def _tone(view: SceneView) -> Tone | None:
    """Return how a scene went, or None while it is on."""
    if not view.over:
        return None
    if view.outcome is not None:
        return STATUS_TONES.get(view.outcome.status, "bad")
    return view.rows[-1].tone
