"""`pointsman run`."""

from consumers.cli.options import CONFIG, ConfigPath


def run(*, config: ConfigPath = CONFIG) -> None:
    """Start a worker: take events, let the model choose, check, act, publish the outcome.

    Runs until SIGTERM or Ctrl-C, then finishes what is under way and leaves its group; a second signal ends it
    at once, which loses nothing. Logs go to standard error, nothing to standard output. Where health and metrics
    are served: `telemetry` in the configuration.
    """
    from consumers.cli import serving

    serving.run(config)
