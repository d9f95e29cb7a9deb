"""From the samples of a worker to a text that people read: by subsystem, function and line, without machine paths."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

TOP = 40
LOOP = "event loop"
SHARED = "http protocol, shared"
# The innermost function that fits decides, so that an adapter's share is what it and its libraries use.
SUBSYSTEMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("json/avro", re.compile(r"schemas/|fastavro/|orjson/|json/")),
    ("redis", re.compile(r"redis/|hiredis/|consumers/adapters/redis_")),
    ("kafka", re.compile(r"aiokafka/|consumers/adapters/kafka_|consumers/runtime/")),
    (
        "model/openai",
        re.compile(r"openai/|httpx2?/|httpcore2?/|distro/|consumers/adapters/openai_"),
    ),
    ("connectors/http", re.compile(r"connectors/|consumers/adapters/connector_")),
    ("engine", re.compile(r"consumers/(run|router|policy|session|app)/")),
    ("metrics/logs", re.compile(r"prometheus_client/|consumers/telemetry/|logging/")),
)
OURS = re.compile(r"(consumers|connectors|schemas)/")
_PACKAGES = re.compile(r".*/(?:site-packages|dist-packages)/")
_STANDARD = re.compile(r".*/lib/python3\.\d+/")
_ROOT = f"{Path(__file__).resolve().parents[2]}/"


@dataclass(frozen=True, slots=True)
class Frame:
    """One function on a stack."""

    function: str
    file: str

    def __str__(self) -> str:
        return f"{self.file}  {self.function}"


def report(samples: Path, events: int, cpu_ms: float) -> str:
    """Return the text.

    Args:
        samples: what `profiled_worker.py` wrote.
        events: how many were worked in that time.
        cpu_ms: what one event took, by the kernel's account; the samples only divide it.
    """
    by_subsystem: Counter[str] = Counter()
    own: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    inside: Counter[str] = Counter()
    for count, line, functions in orjson.loads(samples.read_bytes()):
        stack = [Frame(function, relative(file)) for function, file in functions]
        by_subsystem[subsystem(stack)] += count
        own[str(stack[0])] += count
        if OURS.match(stack[0].file):
            lines[f"{stack[0].file}:{line}  {stack[0].function}"] += count
        inside.update(dict.fromkeys({str(frame) for frame in stack if OURS.match(frame.file)}, count))
    total = by_subsystem.total()
    head = (
        f"The worker over {events} events: {cpu_ms:.2f} ms of CPU an event, in {total} samples. A row of n samples\n"
        "is sure to about one part in the root of n. What C code takes counts for the function that called it.\n"
    )
    return "\n".join(
        (
            head,
            _table("By subsystem: the innermost of them on the stack", by_subsystem, total, cpu_ms),
            _table("By function of any library, itself only", own, total, cpu_ms),
            _table("By line of ours, itself only", lines, total, cpu_ms),
            _table("By function of ours, with all it calls", inside, total, cpu_ms),
        )
    )


def subsystem(stack: Sequence[Frame]) -> str:
    """Return whose time a sample is; the stack begins with the innermost function."""
    for frame in stack:
        for name, files in SUBSYSTEMS:
            if files.match(frame.file):
                return name
    return SHARED if any(frame.file.startswith("aiohttp/") for frame in stack) else LOOP


def relative(file: str) -> str:
    """Return a source file's name as an import would look for it."""
    if "-packages/" in file:
        return _PACKAGES.sub("", file)
    return _STANDARD.sub("", file.removeprefix(_ROOT))


def _table(title: str, counts: Counter[str], total: int, cpu_ms: float) -> str:
    rows = [
        f"{count / total:6.1%} {count / total * cpu_ms * 1000:8.0f}  {name}"
        for name, count in counts.most_common(TOP)
    ]
    return "\n".join((title, " share us/event", *rows, ""))
