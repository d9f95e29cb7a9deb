"""`pointsman demo`."""

from pathlib import Path
from typing import Annotated

import typer

from consumers.cli.options import AsJson


def demo(
    *,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave everything up and print the addresses.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(help="A real model's name; needs OPENAI_API_KEY, and OPENAI_BASE_URL if elsewhere."),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live/--no-live", help="Redraw and pause for people, or print line by line.")
    ] = True,
    fast: Annotated[bool, typer.Option("--fast", help="Same as --no-live.")] = False,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where data is kept; a temporary folder if missing.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play the whole job on this machine: embedded Kafka and Redis, a sandbox ERP and CRM, a model, a worker.

    Publishes a handful of events, shows what happens to each, and checks the summary against the sandbox's
    database: exit code 0 only if everything holds. Without a key the model is the offline one, which answers from
    a script. Needs `pip install 'pointsman[local]'`.
    """
    from consumers.cli.exits import end_with
    from consumers.demo import DemoOptions, run_demo
    from consumers.errors import PointsmanError

    options = DemoOptions(keep=keep, model=model, live=live and not fast, json=as_json, data_dir=data_dir)
    try:
        code = run_demo(options)
    except PointsmanError as error:
        end_with(error)
    raise typer.Exit(code)
