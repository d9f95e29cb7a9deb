"""The worker's log in a file, so that it does not run across the scenes."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from consumers.telemetry.logs import CLAMPED, JsonFormatter


@contextmanager
def logs_to(path: Path) -> Generator[None]:
    """Append all logs of this process to a file while the block runs, at INFO, where no client shows payloads."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(JsonFormatter())
    handler.setLevel(logging.INFO)
    handler.addFilter(_is_fit)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()


def _is_fit(record: logging.LogRecord) -> bool:
    return record.levelno >= CLAMPED.get(record.name.partition(".")[0], logging.NOTSET)
