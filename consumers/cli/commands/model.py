"""`pointsman model`."""

from pathlib import Path
from typing import Annotated

import typer

from consumers.cli.options import CONFIG, AsJson, ConfigPath


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
    ask: Annotated[
        bool, typer.Option("--ask", help="Serve nothing; ask each model of the configuration instead.")
    ] = False,
    config: ConfigPath = CONFIG,
    as_json: AsJson = False,
) -> None:
    """Serve the offline model: an OpenAI-compatible endpoint that answers from a script. Or ask the real ones.

    With --ask, each model of the configuration, the preferred one and its fallbacks, is asked one small question,
    which costs what it costs; exit code 1 if one of them gave no answer that a worker could use.

    The offline model is no language model: it is for demos, tests and trying out a configuration without a key. Prints its base
    URL on one line once it listens, and runs until SIGTERM or Ctrl-C.
    """
    if ask:
        from consumers.cli import model_answers

        model_answers.ask(config, as_json=as_json)
        return
    from consumers.cli import serving
    from consumers.offline.faults import Behaviour

    behaviour = Behaviour(
        seed=seed, latency_s=latency, wrong=wrong, rate_limit=rate_limit, error=error, obedient=obedient
    )
    serving.model(script, host, port, behaviour)
