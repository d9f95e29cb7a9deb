"""`pointsman model`."""

from pathlib import Path
from typing import Annotated

import typer


def model(
    *,
    script: Annotated[
        Path | None, typer.Option(help="Rules to answer by (YAML); the demo's where missing.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 0,
    latency: Annotated[float, typer.Option(min=0, help="Seconds an answer takes.")] = 0.0,
    wrong: Annotated[float, typer.Option(min=0, max=1, help="Share of answers that are wrong.")] = 0.0,
    rate_limit: Annotated[float, typer.Option(min=0, max=1, help="Share of requests answered by 429.")] = 0.0,
    error: Annotated[float, typer.Option(min=0, max=1, help="Share of requests answered by 500.")] = 0.0,
    obedient: Annotated[bool, typer.Option("--obedient", help="Obey instructions found in data.")] = False,
    seed: Annotated[int, typer.Option(help="Same seed, same misbehaviour.")] = 0,
) -> None:
    """Serve the offline model: an OpenAI-compatible endpoint that answers from a script.

    It is no language model: it is for demos, tests and trying out a configuration without a key. Prints its base
    URL on one line once it listens, and runs until SIGTERM or Ctrl-C.
    """
    from consumers.cli import serving
    from consumers.offline.faults import Behaviour

    behaviour = Behaviour(
        seed=seed, latency_s=latency, wrong=wrong, rate_limit=rate_limit, error=error, obedient=obedient
    )
    serving.model(script, host, port, behaviour)
