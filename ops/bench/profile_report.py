"""From pyinstrument's samples to a text that people read: by subsystem, then by function, without machine paths."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyinstrument.frame_info import parse_frame_info
from pyinstrument.session import Session

TOP = 45
WAITING = "waiting"
LOOP = "event loop"
# The innermost frame that fits decides, so that an adapter's share is what it and its libraries use.
SUBSYSTEMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("json/avro", re.compile(r"^(schemas/|fastavro/|orjson/|json/)")),
    ("redis", re.compile(r"^(redis/|hiredis/|consumers/adapters/redis_)")),
    ("kafka", re.compile(r"^(aiokafka/|consumers/adapters/kafka_|consumers/runtime/)")),
    (
        "model/openai",
        re.compile(r"^(openai/|httpx2?/|httpcore2?/|httpx_aiohttp/|consumers/adapters/openai_)"),
    ),
    ("connectors/http", re.compile(r"^(connectors/|consumers/adapters/connector_)")),
    ("engine", re.compile(r"^consumers/(run|router|policy|session|app)/")),
    ("metrics/logs", re.compile(r"^(prometheus_client/|consumers/telemetry/|logging/)")),
)
_PACKAGES = re.compile(r".*/(?:site-packages|dist-packages)/")
_STANDARD = re.compile(r".*/lib/python3\.\d+/")
_ROOT = f"{Path(__file__).resolve().parents[2]}/"


@dataclass(frozen=True, slots=True)
class Frame:
    """One function on a stack."""

    function: str
    file: str
    line: int

    @property
    def name(self) -> str:
        return f"{self.function}  {self.file}:{self.line}"


def report(samples: Path, events: int) -> str:
    """Return the text.

    Args:
        samples: what `profiled_worker.py` wrote.
        events: how many were worked in that time.
    """
    by_subsystem: Counter[str] = Counter()
    own: Counter[str] = Counter()
    inside: Counter[str] = Counter()
    for stack, seconds in _stacks(Session.load(samples)):
        leaf, took_us = stack[-1], round(seconds * 1e6)
        if leaf.function == "select" and leaf.file.endswith("selectors.py"):
            by_subsystem[WAITING] += took_us
            continue
        by_subsystem[subsystem(stack)] += took_us
        own[leaf.name] += took_us
        inside.update(dict.fromkeys((frame.name for frame in stack), took_us))
    waited = by_subsystem.pop(WAITING, 0)
    busy = by_subsystem.total()
    head = (
        f"The worker over {events} events: {busy / 1e6:.2f} s busy ({busy / events / 1000:.2f} ms an event, with the\n"
        f"profiler's own cost), {waited / 1e6:.2f} s waiting. The sampler sees Python functions only: what C code takes\n"
        "counts for the function that called it.\n"
    )
    return "\n".join(
        (
            head,
            _table("By subsystem", by_subsystem, busy, events),
            _table("By function, itself only", own, busy, events),
            _table("By function, with all it calls", inside, busy, events),
        )
    )


def subsystem(stack: Sequence[Frame]) -> str:
    """Return whose time a sample is."""
    for frame in reversed(stack):
        for name, files in SUBSYSTEMS:
            if files.match(frame.file):
                return name
    return "http protocol, shared" if any(f.file.startswith("aiohttp/") for f in stack) else LOOP


def _stacks(session: Session) -> Iterable[tuple[list[Frame], float]]:
    for infos, seconds in session.frame_records:
        stack = [_frame(info) for info in infos]
        if stack:
            yield stack, seconds


def _frame(info: str) -> Frame:
    identifier, _attributes = parse_frame_info(info)
    function, file, line = identifier.split("\x00")
    return Frame(function, _relative(file), int(line or 0))


def _relative(file: str) -> str:
    short = file.removeprefix(_ROOT)
    return _STANDARD.sub("", _PACKAGES.sub("", short)) if short == file or ".venv" in short else short


def _table(title: str, took_us: Counter[str], busy: int, events: int) -> str:
    rows = [f"{us / busy:6.1%} {us / events:8.0f}  {name}" for name, us in took_us.most_common(TOP)]
    return "\n".join((title, " share us/event", *rows, ""))
