"""The command `pointsman`: the table of its commands."""

from typing import Annotated, Final

import typer

from consumers.cli.commands import approvals, connectors, dead_letters, sessions, topics
from consumers.cli.commands.check import check
from consumers.cli.commands.demo import demo
from consumers.cli.commands.evaluate import evaluate
from consumers.cli.commands.lag import lag
from consumers.cli.commands.model import model
from consumers.cli.commands.publish import publish
from consumers.cli.commands.replay import replay
from consumers.cli.commands.run import run
from consumers.cli.commands.tail import tail
from consumers.cli.options import examples

EXIT_CODES: Final = """\
Exit codes:

- `0` done
- `1` tried, and did not succeed
- `2` the command line or the configuration is wrong; nothing was tried
- `3` an evaluation scores less than `--fail-under`
- `130` interrupted
"""

app = typer.Typer(
    name="pointsman",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    # A traceback with local variables could show a secret.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"{examples('pointsman demo', 'pointsman run -c pointsman.yaml')}\n\n{EXIT_CODES}",
)

_START, _LOOK, _ACT = "Start", "Look", "Act"

app.command(epilog=examples("pointsman run -c pointsman.yaml"), rich_help_panel=_START)(run)
app.command(epilog=examples("pointsman demo", "pointsman demo --keep"), rich_help_panel=_START)(demo)
app.command(
    epilog=examples(
        "pointsman model --port 8081",
        "pointsman model --script rules.yaml --latency 0.5",
        "pointsman model --ask -c pointsman.yaml",
    ),
    rich_help_panel=_START,
)(model)
app.command(
    epilog=examples("pointsman check -c pointsman.yaml --topics", "pointsman check --actions"),
    rich_help_panel=_LOOK,
)(check)
app.command(
    epilog=examples(
        "pointsman tail pointsman.outcomes --from-beginning",
        "pointsman tail erp.orders pointsman.outcomes --session C-100 --json",
    ),
    rich_help_panel=_LOOK,
)(tail)
app.command(
    epilog=examples("pointsman lag", "pointsman lag --worker http://10.0.0.7:8080 --json"),
    rich_help_panel=_LOOK,
)(lag)
app.add_typer(topics.app, name="topics", rich_help_panel=_START)
app.add_typer(connectors.app, name="connectors", rich_help_panel=_LOOK)
app.add_typer(sessions.app, name="sessions", rich_help_panel=_LOOK)
app.add_typer(approvals.app, name="approvals", rich_help_panel=_ACT)
app.add_typer(dead_letters.app, name="dead-letters", rich_help_panel=_ACT)
app.command(
    epilog=examples(
        "pointsman publish erp.orders events.jsonl --rate 50",
        """pointsman publish crm.cases --type case.opened --data '{"case_ref": "CS-1"}'""",
    ),
    rich_help_panel=_ACT,
)(publish)
app.command(
    epilog=examples(
        "pointsman replay erp.orders --since 2026-11-01T00:00 --until 2026-11-02",
        "pointsman replay erp.orders --offsets 0:100-199",
        "pointsman replay --job 20261128-153000-5f0c1a2b --metrics-port 9464",
    ),
    rich_help_panel=_ACT,
)(replay)
app.command(
    epilog=examples(
        "pointsman evaluate erp.orders --since 2026-11-01 --model gpt-4.1-nano",
        "pointsman evaluate erp.orders --offsets 0:100-199 --save-cases cases.jsonl",
        "pointsman evaluate --cases cases.jsonl --candidate new.yaml --fail-under 0.95 --junit report.xml",
    ),
    rich_help_panel=_LOOK,
)(evaluate)


def _print_version(asked: bool) -> None:  # noqa: FBT001 - typer's way to call it
    if asked:
        from importlib.metadata import version

        typer.echo(f"pointsman {version('pointsman')}")
        raise typer.Exit


@app.callback()
def pointsman(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end."),
    ] = False,
) -> None:
    """Let a language model act on Kafka events: checked, journaled, approved, undone when it must be."""


def main() -> None:
    """Run the command line; ends the process with its exit code."""
    app()
