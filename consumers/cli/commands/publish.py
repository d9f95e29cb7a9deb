"""`pointsman publish`."""

from pathlib import Path
from typing import Annotated

import typer

from consumers.cli.options import CONFIG, AsJson, ConfigPath


def publish(
    topic: Annotated[str, typer.Argument(help="Where to; it must exist.")],
    file: Annotated[
        Path | None, typer.Argument(help="Events, one JSON object a line; - is standard input.")
    ] = None,
    *,
    config: ConfigPath = CONFIG,
    event: Annotated[str | None, typer.Option("--type", help="Publish one event of this type.")] = None,
    data: Annotated[str | None, typer.Option(help="Payload of that event, a JSON object.")] = None,
    session: Annotated[str | None, typer.Option(help="Session of that event.")] = None,
    event_id: Annotated[
        str | None, typer.Option("--id", help="Id of that event; a new one if missing.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Record key for all; the session id where missing.")] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="At most so many events a second.")] = None,
    as_json: AsJson = False,
) -> None:
    """Publish events, from a file, standard input or the command line.

    A line is an object with `type`, and, if you like, `id`, `payload`, `session`, `source`, `subject` and `time`;
    a structured CloudEvent (`data`, `sessionid`) does as well. Types with an Avro schema are published as Avro,
    others as JSON, both with CloudEvents headers. Publishing an event with the same id again has no new effect.
    """
    from consumers.cli.publish import OneEvent, Publishing, publish

    one = OneEvent(event, data, session, event_id)
    publish(config, Publishing(topic, key, rate), file, one, as_json=as_json)
