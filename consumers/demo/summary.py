"""The last page: every scene against the sandbox's database, and the totals. Pure functions from the report."""

from collections.abc import Iterator, Mapping

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from consumers.demo.options import HostedModel
from consumers.demo.stack import Stack
from consumers.demo.verdicts import Finding, Report


def opening_page(hosted: HostedModel | None) -> RenderableType:
    """Return what is about to be seen, and which model decides."""
    if hosted:
        model = f"Decisions are made by {hosted.name} at {hosted.base_url}; it costs money."
    else:
        model = "Decisions come from a script that stands in for a model; set OPENAI_API_KEY for a real one."
    title = Text("Pointsman: events in, the right actions done, outcomes out", style="bold")
    return Padding(Group(title, Text(model, style="dim")), (1, 0))


def summary_page(report: Report) -> RenderableType:
    """Return the table of scenes and the totals."""
    return Padding(Group(_table(report), *_closing(report)), (1, 0))


def addresses_page(stack: Stack) -> RenderableType:
    """Return where everything listens, and what to try."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    where = {
        "Kafka": stack.addresses.kafka,
        "Redis": stack.addresses.redis,
        "ERP and CRM": f"{stack.addresses.sandbox}/openapi.json",
        "model": stack.addresses.model,
        "worker": f"{stack.health}/metrics",
        "configuration": str(stack.file.path),
        "data": str(stack.data_dir),
    }
    for name, address in where.items():
        table.add_row(name, address)
    table.add_row("try", f"pointsman sessions list -c {stack.file.path}")
    return Padding(
        Group(Text("Everything stays up until you press Ctrl-C.", style="bold"), table), (0, 0, 1, 0)
    )


def facts_text(facts: Mapping[str, int]) -> str:
    """Return facts as a list: `1 order confirmed, 1 shipment confirmed`."""
    return ", ".join(f"{count} {fact}" for fact, count in facts.items()) or "nothing"


def _table(report: Report) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="Checked against the sandbox's database", title_style="bold")
    table.add_column("", no_wrap=True)
    table.add_column("scene", overflow="fold")
    table.add_column("ended", overflow="fold")
    table.add_column("in ERP and CRM because of it", overflow="fold")
    for finding in report.findings:
        table.add_row(*_row(finding))
        for difference in finding.differs:
            table.add_row("", Text(f"↳ {difference}", style="red"), "", "")
    return table


def _row(finding: Finding) -> tuple[RenderableType, ...]:
    mark = Text("✗", style="bold red") if finding.differs else Text("✓", style="bold green")
    return mark, finding.scene.title, finding.ended, facts_text(finding.facts)


def _closing(report: Report) -> Iterator[RenderableType]:
    for effect in report.unaccounted:
        yield Text(f"✗ an effect that no run had announced: {effect}", style="bold red")
    if not report.unaccounted:
        yield Text(
            f"{report.effects} effects in the sandbox's ledger, each announced on the audit trail before it happened",
            style="green",
        )
    yield Text(
        f"{report.events} records, {report.turns} turns, {report.tokens:,} tokens, ${report.cost_usd:.4f}; "
        f"first outcome {report.first_outcome_s:.1f} s after the start, all in {report.story_s:.1f} s"
    )
    yield (
        Text("All as it should be.", style="bold green")
        if report.ok
        else Text("Not as it should be: see ✗ above.", style="bold red")
    )
