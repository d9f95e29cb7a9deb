"""Every metric there is, in one table, and the registry that counts them.

    metrics = Metrics(version="1.2.0")
    metrics.add(RECORDS_CONSUMED, "orders")
    metrics.observe(ACTION_SECONDS, 0.012, "erp.check_stock")
    metrics.set(RUNS_IN_FLIGHT, 3)

Labels come last, by position, in the order of the row. They must come from the configuration (topics, routes,
actions), never from an event: an event must not be able to make time series.
"""

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import prometheus_client as prometheus
from prometheus_client.registry import Collector

_PREFIX: Final = "pointsman"
_FAST: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SLOW: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)


# Compared by identity (eq=False): a row is a dictionary key on the hot path, and there is one object for each.
@dataclass(frozen=True, slots=True, eq=False)
class Counter:
    """A row of the table: something that only grows."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Gauge:
    """A row of the table: something that goes up and down."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """A row of the table: a distribution, in seconds."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = _FAST


Metric = Counter | Gauge | Histogram

RECORDS_CONSUMED: Final = Counter("records_consumed_total", "Records read from Kafka.", ("topic",))
RECORDS_IGNORED: Final = Counter(
    "records_ignored_total", "Records that carry no event, as is declared of their topic.", ("topic",)
)
EVENTS: Final = Counter("events_total", "Events worked to an outcome, by its status.", ("route", "status"))
EXPIRED: Final = Counter("expired_total", "Questions to people that nobody answered in time.")
DECISIONS: Final = Counter("decisions_total", "Answers of the model.", ("model",))
PLANNED: Final = Counter("planned_total", "Turns that a plan decided, without the model.", ("route",))
LEFT_OUT: Final = Counter(
    "left_out_total",
    "Prompts that were longer than the route's budget, by what was left out.",
    ("route", "part"),
)
MODEL_ERRORS: Final = Counter(
    "model_errors_total", "Requests to the model without an answer.", ("model", "kind")
)
MODEL_BREAKER: Final = Gauge(
    "model_breaker", "Whether a model is asked: 0 yes, 1 by one probe, 2 not for a while.", ("model",)
)
MODEL_REFUSED: Final = Gauge(
    "model_refused", "1 while a model refuses us, such as for its key: somebody must mend that.", ("model",)
)
MODEL_FALLBACKS: Final = Counter(
    "model_fallbacks_total", "Answers of a model that stood in for those preferred to it.", ("model",)
)
MODEL_SECONDS: Final = Histogram("model_seconds", "Time of an answer, retries included.", ("model",), _SLOW)
TOKENS: Final = Counter("tokens_total", "Tokens sent to and received from the model.", ("direction",))
RATIONED: Final = Counter(
    "rationed_total",
    "Questions to the model that waited: the tenant had spent its money of the day.",
    ("tenant",),
)
COST_USD: Final = Counter("cost_usd_total", "Cost of the model by the configured prices.")
ACTION_SECONDS: Final = Histogram("action_seconds", "Time of an action, waiting included.", ("action",))
ACTIONS: Final = Counter("actions_total", "Actions performed, by how they ended.", ("action", "status"))
CONNECTOR_WAITS: Final = Counter(
    "connector_waits_total",
    "Actions that had to wait for their system: slot, rate; or were not performed, as it is left alone: breaker.",
    ("connector", "reason"),
)
CONNECTOR_BREAKER: Final = Gauge(
    "connector_breaker",
    "Whether a connector's system is called: 0 yes, 1 by one probe, 2 not for a while.",
    ("connector",),
)
VERDICTS: Final = Counter("verdicts_total", "Verdicts on chosen actions.", ("rule", "effect"))
EGRESS_REFUSALS: Final = Counter(
    "egress_refusals_total",
    "Connections that a connector wanted to make and that its egress list does not allow.",
    ("connector",),
)
RETRIES: Final = Counter("retries_total", "Events that had to wait because something outside is busy.")
DEAD_LETTERS: Final = Counter("dead_letters_total", "Records sent to the dead letters.", ("reason",))
TRIALS: Final = Counter(
    "trials_total",
    "Records decoded in a process of their own first, since a worker died: survived, killed.",
    ("result",),
)
PARKED: Final = Counter(
    "parked_total", "Records parked, because their key was retried for too long.", ("reason",)
)
RECORDS_SKIPPED: Final = Counter(
    "records_skipped_total",
    "Records read again and known from the commit's metadata to be finished.",
    ("topic",),
)
COMMITS: Final = Counter("commits_total", "Commits of offsets, by how they ended.", ("result",))
REBALANCES: Final = Counter("rebalances_total", "Assignments by the group, the first one included.")
READOPTED: Final = Counter(
    "readopted_total", "Partitions that came back in a rebalance with their work in memory."
)
HANDED_OVER: Final = Counter(
    "handed_over_total", "Events left at the end of a step, for whoever has them next."
)
REBUILDS: Final = Counter(
    "rebuilds_total",
    "Times that sessions were rebuilt from the steps topic, by whether it told everything: complete, incomplete.",
    ("result",),
)
REBUILT_RUNS: Final = Counter("rebuilt_runs_total", "Runs that were given back to Redis.")
REDIS_CHECKED: Final = Gauge(
    "redis_checked", "1 while Redis is known to have what it acknowledged; nothing is worked without."
)
RUNS_IN_FLIGHT: Final = Gauge("runs_in_flight", "Runs being worked now.")
KEYS_WAITING: Final = Gauge("keys_waiting", "Keys that wait to be tried again.")
PARKED_KEYS: Final = Gauge("parked_keys", "Keys that are parked now, of all workers.")
COMMIT_LAG: Final = Gauge("commit_lag", "Records read and not finished.", ("topic", "partition"))
HELD_BYTES: Final = Gauge("held_bytes", "Bytes of those records.", ("topic", "partition"))
PARTITION_LAG: Final = Gauge(
    "partition_lag", "Records from the committed offset to the end of the partition.", ("topic", "partition")
)
BLOCKED: Final = Gauge(
    "blocked",
    "Seconds that the record which holds the committed offset has been at its step; /healthz names both.",
    ("topic", "partition"),
)
PARTITION_PAUSED: Final = Gauge("partition_paused", "1 while a partition is paused.", ("topic", "partition"))
PARTITION_GAUGES: Final = (COMMIT_LAG, HELD_BYTES, PARTITION_LAG, BLOCKED, PARTITION_PAUSED)
"""What is forgotten with a partition."""
REPLAY_INFO: Final = Gauge(
    "replay_info",
    "Always 1; the labels say which replay this process works, and how it stands: starting, waiting, working, stopping.",
    ("replay", "mode", "topic", "state"),
)
REPLAY_RECORDS: Final = Gauge(
    "replay_records", "Records of the replay in all, at most: some offsets hold none.", ("mode",)
)
REPLAY_RECORDS_DONE: Final = Gauge(
    "replay_records_done",
    "Records of the replay that are done, those of earlier processes included.",
    ("mode",),
)
REPLAY_RESULTS: Final = Counter(
    "replay_results_total",
    "Records of the replay that this process did, by what became of them, in the words of its report.",
    ("mode", "result"),
)
REPLAY_YIELDS: Final = Counter(
    "replay_yields_total",
    "Looks at live work that found it behind, so that the replay took nothing; one a second at most.",
    ("mode",),
)
REPLAY_USED: Final = Gauge(
    "replay_used",
    "What the replay has used of its bounds, over all its processes: effects; usd, dollars for models.",
    ("mode", "bound"),
)
REPLAY_BOUND: Final = Gauge(
    "replay_bound",
    "What the replay may use of each at most; without a bound there is none.",
    ("mode", "bound"),
)
BUILD_INFO: Final = Gauge("build_info", "Always 1; the labels say what runs.", ("version", "python"))
READY: Final = Gauge("ready", "1 while the worker, or the replay, can take events.")

TABLE: Final[tuple[Metric, ...]] = (
    *(
        RECORDS_CONSUMED,
        RECORDS_SKIPPED,
        RECORDS_IGNORED,
        EVENTS,
        EXPIRED,
        RETRIES,
        DEAD_LETTERS,
        TRIALS,
        PARKED,
        COMMITS,
    ),
    *(REBALANCES, READOPTED, HANDED_OVER),
    *(DECISIONS, PLANNED, LEFT_OUT, MODEL_ERRORS, MODEL_SECONDS, TOKENS, COST_USD, RATIONED),
    *(MODEL_BREAKER, MODEL_REFUSED, MODEL_FALLBACKS),
    *(ACTIONS, ACTION_SECONDS, CONNECTOR_WAITS, CONNECTOR_BREAKER, VERDICTS, EGRESS_REFUSALS),
    *(REBUILDS, REBUILT_RUNS, REDIS_CHECKED),
    *(RUNS_IN_FLIGHT, KEYS_WAITING, PARKED_KEYS, *PARTITION_GAUGES),
    *(REPLAY_INFO, REPLAY_RECORDS, REPLAY_RECORDS_DONE, REPLAY_RESULTS),
    *(REPLAY_YIELDS, REPLAY_USED, REPLAY_BOUND),
    *(BUILD_INFO, READY),
)
"""Every metric; on the wire each name starts with `pointsman_`."""

CONTENT_TYPE: Final = prometheus.CONTENT_TYPE_LATEST
"""Of what `Metrics.render` returns."""

_OTHER: Final = "other"
_SERIES_LIMIT: Final = 2000
"""Series of one metric; what comes after is counted under the label value `other`."""

_KINDS: Final = {Counter: prometheus.Counter, Gauge: prometheus.Gauge, Histogram: prometheus.Histogram}


class Metrics:
    """The counts of one process, on a registry of its own. Never blocks, a microsecond a call.

    Args:
        version: of the distribution, for `build_info`.
    """

    def __init__(self, *, version: str = "unknown") -> None:
        self._registry = prometheus.CollectorRegistry()
        prometheus.ProcessCollector(registry=self._registry)
        self._families = {row: _family(row, self._registry) for row in TABLE}
        self._series: dict[Metric, dict[tuple[str, ...], Any]] = {row: {} for row in TABLE}
        self.set(BUILD_INFO, 1, version, platform.python_version())

    def add(self, row: Counter, *labels: str, by: float = 1.0) -> None:
        """Count `by` more; it must not be negative."""
        self._at(row, labels).inc(by)

    def set(self, row: Gauge, value: float, *labels: str) -> None:
        """Say how much there is now."""
        self._at(row, labels).set(value)

    def observe(self, row: Histogram, seconds: float, *labels: str) -> None:
        """Record one duration."""
        self._at(row, labels).observe(seconds)

    def forget(self, row: Gauge, *labels: str) -> None:
        """Drop a series that no longer means anything here, such as that of a revoked partition."""
        if self._series[row].pop(labels, None) is not None:
            self._families[row].remove(*labels)

    def value(self, row: Metric, *labels: str) -> float:
        """Return what a counter or gauge says now, or how often a histogram was observed; 0 if never used."""
        name = f"{_PREFIX}_{row.name}" + ("_count" if isinstance(row, Histogram) else "")
        return self._registry.get_sample_value(name, dict(zip(row.labels, labels, strict=True))) or 0.0

    def render(self) -> bytes:
        """Return everything in Prometheus' text format; takes milliseconds."""
        return prometheus.generate_latest(_Shown(self._registry))

    def _at(self, row: Metric, labels: tuple[str, ...]) -> Any:
        found = self._series[row].get(labels)
        return self._new(row, labels) if found is None else found

    def _new(self, row: Metric, labels: tuple[str, ...]) -> Any:
        if len(labels) != len(row.labels):
            raise ValueError(f"{row.name} has the labels {row.labels}, not {len(labels)} of them")
        series, family = self._series[row], self._families[row]
        if labels and len(series) >= _SERIES_LIMIT:
            # Not remembered under these labels, or the table of what was refused would grow instead.
            return family.labels(*[_OTHER] * len(labels))
        series[labels] = family.labels(*labels) if labels else family
        return series[labels]


class _Shown(Collector):
    """A registry without the `_created` series, which double the size and which nothing here asks for."""

    def __init__(self, registry: prometheus.CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[prometheus.Metric]:
        for family in self._registry.collect():
            family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            yield family


def _family(row: Metric, registry: prometheus.CollectorRegistry) -> Any:
    options: dict[str, Any] = {"buckets": row.buckets} if isinstance(row, Histogram) else {}
    return _KINDS[type(row)](row.name, row.help, row.labels, namespace=_PREFIX, registry=registry, **options)
