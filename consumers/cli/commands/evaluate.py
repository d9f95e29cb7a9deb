"""`pointsman evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from consumers.cli.options import CONFIG, AsJson, ConfigPath, Offsets, Since, Until, parse_parts


def evaluate(
    topic: Annotated[
        str | None, typer.Argument(help="An input topic of a route: its recorded runs are the cases.")
    ] = None,
    *,
    config: ConfigPath = CONFIG,
    since: Since = None,
    until: Until = None,
    offsets: Offsets = None,
    most: Annotated[int, typer.Option("--max", min=1, help="At most so many recorded runs.")] = 1000,
    cases: Annotated[
        Path | None, typer.Option(help="A file of cases, one a line, instead of a topic; no Kafka, no Redis.")
    ] = None,
    save_cases: Annotated[
        Path | None, typer.Option(help="Write the recorded runs into a file of cases, and evaluate nothing.")
    ] = None,
    candidate: Annotated[
        Path | None, typer.Option(help="Configuration of the candidate; the same file if missing.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Name of the candidate's model.")] = None,
    repeat: Annotated[int, typer.Option(min=1, help="Try each case so often, for a model that wavers.")] = 1,
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="Trials at once.")] = 8,
    trial_s: Annotated[
        float, typer.Option("--timeout", min=1, help="Seconds that one trial may take.")
    ] = 300.0,
    ignore: Annotated[
        list[str] | None,
        typer.Option(help="ACTION.ARGUMENT whose value does not count, such as free text; several times."),
    ] = None,
    cassette: Annotated[
        Path | None, typer.Option(help="Answer from a file of recorded answers instead of a model.")
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Ask the model, and write its answers into the cassette.")
    ] = False,
    fail_under: Annotated[
        float | None, typer.Option(min=0, max=1, help="Exit code 3 where the score is lower.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the result as JUnit's XML, too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Try another model, prompt or catalog on recorded runs, and report what it would have done differently.

    What was recorded is fed back turn by turn. No connector is called, nothing is published, nothing is written to
    Redis; only the candidate's model is asked.
    """
    from consumers.app.evaluating import How
    from consumers.cli import evaluate as evaluating

    sources = [topic is not None, cases is not None]
    if sum(sources) != 1:
        raise typer.BadParameter("name either a topic with recorded runs, or a file with --cases")
    if topic is None and (since or until or offsets or save_cases):
        raise typer.BadParameter("--since, --until, --offsets and --save-cases are for a topic")
    if record and cassette is None:
        raise typer.BadParameter("--record needs --cassette FILE to write to")
    how = How(repeat, concurrency, trial_s, cassette, record, frozenset(ignore or ()))
    selected = None if topic is None else (topic, since, until, parse_parts(offsets or []), most)
    evaluating.evaluate(
        config,
        selected,
        cases,
        save_cases,
        candidate=candidate,
        model=model,
        how=how,
        fail_under=fail_under,
        junit=junit,
        as_json=as_json,
    )
