"""`pointsman topics`."""

from typing import Annotated, Literal

import typer

from consumers.cli.options import CONFIG, AsJson, ConfigPath, examples

app = typer.Typer(
    help="The topics of the configuration: list, create, describe, document, and check their schemas.",
    epilog=examples("pointsman topics list"),
    no_args_is_help=True,
)


@app.command("list", epilog=examples("pointsman topics list"))
def list_topics(*, config: ConfigPath = CONFIG, as_json: AsJson = False) -> None:
    """List every topic the configuration names, and whether the cluster has it as planned."""
    from consumers.cli import topics

    topics.list_topics(config, as_json=as_json)


@app.command(epilog=examples("pointsman topics create", "pointsman topics create --partitions 12 --dry-run"))
def create(
    *,
    config: ConfigPath = CONFIG,
    partitions: Annotated[int, typer.Option(min=1, help="Partitions of input topics that are made now.")] = 6,
    replicas: Annotated[
        int | None, typer.Option(min=1, help="Copies; 3 where missing, or one for each broker.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be made.")] = False,
    as_json: AsJson = False,
) -> None:
    """Create the topics that are missing: inputs and outputs of routes, and Pointsman's own.

    May be repeated: a topic that exists is left as it is, and what it has otherwise than planned is said.
    """
    from consumers.cli import topics

    topics.create(config, partitions=partitions, replicas=replicas, dry_run=dry_run, as_json=as_json)


@app.command(epilog=examples("pointsman topics describe pointsman.outcomes"))
def describe(
    topic: Annotated[str, typer.Argument(help="Name of the topic.")],
    *,
    config: ConfigPath = CONFIG,
    as_json: AsJson = False,
) -> None:
    """Show one topic: partitions, offsets, settings."""
    from consumers.cli import topics

    topics.describe(config, topic, as_json=as_json)


@app.command(epilog=examples("pointsman topics diff", "pointsman topics diff --json"))
def diff(*, config: ConfigPath = CONFIG, as_json: AsJson = False) -> None:
    """Show only topics that are missing, or otherwise than planned, and end with 1 if there are any: for CI."""
    from consumers.cli import topics

    topics.diff(config, as_json=as_json)


@app.command(
    epilog=examples("pointsman topics asyncapi > pointsman.asyncapi.yaml", "pointsman topics asyncapi --json")
)
def asyncapi(*, config: ConfigPath = CONFIG, as_json: AsJson = False) -> None:
    """Print an AsyncAPI 3 document: each topic with its messages, Avro schemas, headers, examples and settings.

    Asks neither Kafka nor a registry: schemas are those of this package and of `registry.folder`.
    """
    from consumers.cli import topics

    topics.asyncapi(config, as_json=as_json)


Compatibility = Literal[
    "backward", "backward-transitive", "forward", "forward-transitive", "full", "full-transitive"
]
"""The values of `schemas.registry.versions.Mode`, which is not imported for the help text alone."""


@app.command(
    epilog=examples(
        "pointsman topics check",
        "pointsman topics check erp.orders-value --mode full-transitive --json",
        "pointsman topics check --against origin/main",
        "pointsman topics check --against registry",
    )
)
def check(
    subjects: Annotated[
        list[str] | None, typer.Argument(help="Subjects, or event types of files; all if missing.")
    ] = None,
    *,
    config: ConfigPath = CONFIG,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="REVISION", help="Compare with this git revision, or with the word `registry` there."
        ),
    ] = None,
    mode: Annotated[
        Compatibility,
        typer.Option(
            help="Who must be able to read whom: new readers old records, old readers new ones, both."
        ),
    ] = "backward-transitive",
    as_json: AsJson = False,
) -> None:
    """Check that schemas fit their earlier versions, in the registry or in files, and say what breaks for whom.

    The newest file of each event is compared with every version that the registry has of it, and the registry says whether it would
    take it; without `registry.url`, with the files of its earlier versions: those of `registry.folder`, or the packaged ones. Changes nothing. Exit code 0: nothing breaks; 1: something does.
    """
    from consumers.cli import topic_check

    topic_check.check(config, subjects or [], against=against, mode=mode, as_json=as_json)


@app.command(
    epilog=examples("pointsman topics register --dry-run", "pointsman topics register shop.OrderPaid --json")
)
def register(
    subjects: Annotated[
        list[str] | None, typer.Argument(help="Full names of records; those of all events if missing.")
    ] = None,
    *,
    config: ConfigPath = CONFIG,
    mode: Annotated[
        Compatibility,
        typer.Option(help="What they must not break beside what the registry asks for; as for `check`."),
    ] = "backward-transitive",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be registered.")] = False,
    as_json: AsJson = False,
) -> None:
    """Register the newest schema of each event that Pointsman writes; workers only look schemas up.

    May be repeated: what is there is left as it is. Where one of them breaks something, or the registry would not take it, none is
    registered, and the exit code is 1. With --json, each has its id and the digest for `registry.pins`.
    """
    from consumers.cli import topic_register

    topic_register.register(config, subjects or [], mode=mode, dry_run=dry_run, as_json=as_json)
