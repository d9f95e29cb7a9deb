"""The table of metrics, and the registry that counts them."""

import prometheus_client
import pytest
from prometheus_client.parser import text_string_to_metric_families

from consumers.telemetry import metrics as module
from consumers.telemetry.metrics import (
    ACTION_SECONDS,
    BUILD_INFO,
    COMMIT_LAG,
    COST_USD,
    READY,
    RECORDS_CONSUMED,
    TABLE,
    Counter,
    Gauge,
    Histogram,
    Metric,
    Metrics,
)


def test_every_metric_that_is_defined_is_in_the_table_once() -> None:
    defined = [row for row in vars(module).values() if isinstance(row, Counter | Gauge | Histogram)]
    assert set(defined) == set(TABLE)
    assert len({row.name for row in TABLE}) == len(TABLE)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_names_follow_the_conventions_and_say_what_they_are(row: Metric) -> None:
    assert row.help.endswith(".")
    assert row.name.endswith("_total") == isinstance(row, Counter)
    assert row.name.endswith("_seconds") == isinstance(row, Histogram)


def test_nothing_is_registered_outside_of_the_object() -> None:
    Metrics()
    Metrics()
    names = {family.name for family in prometheus_client.REGISTRY.collect()}
    assert not any(name.startswith("pointsman") for name in names)


def test_what_is_counted_can_be_read_and_scraped() -> None:
    metrics = Metrics(version="1.2.3")
    metrics.add(RECORDS_CONSUMED, "orders")
    metrics.add(RECORDS_CONSUMED, "orders", by=2)
    metrics.add(COST_USD, by=0.25)
    metrics.set(READY, 1)
    metrics.observe(ACTION_SECONDS, 0.02, "erp.look")
    assert metrics.value(RECORDS_CONSUMED, "orders") == 3
    assert metrics.value(RECORDS_CONSUMED, "never used") == 0
    assert metrics.value(ACTION_SECONDS, "erp.look") == 1
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }
    assert samples["pointsman_records_consumed_total", "orders"] == 3
    assert samples["pointsman_cost_usd_total",] == 0.25
    assert samples["pointsman_ready",] == 1
    assert samples["pointsman_action_seconds_sum", "erp.look"] == 0.02
    assert not any(name.endswith("_created") for name, *_ in samples)


def test_the_build_is_said_from_the_start() -> None:
    metrics = Metrics(version="1.2.3")
    assert b'pointsman_build_info{python="' in metrics.render()
    assert b'version="1.2.3"' in metrics.render()
    assert BUILD_INFO.labels == ("version", "python")


def test_labels_are_counted() -> None:
    metrics = Metrics()
    with pytest.raises(ValueError, match="records_consumed_total has the labels"):
        metrics.add(RECORDS_CONSUMED)


def test_a_forgotten_series_is_gone_and_can_come_back() -> None:
    metrics = Metrics()
    metrics.set(COMMIT_LAG, 7, "orders", "0")
    metrics.forget(COMMIT_LAG, "orders", "0")
    metrics.forget(COMMIT_LAG, "orders", "1")
    assert b"pointsman_commit_lag{" not in metrics.render()
    metrics.set(COMMIT_LAG, 3, "orders", "0")
    assert metrics.value(COMMIT_LAG, "orders", "0") == 3


def test_series_of_one_metric_are_bounded() -> None:
    metrics = Metrics()
    for number in range(2100):
        metrics.add(RECORDS_CONSUMED, f"topic-{number}")
    metrics.add(RECORDS_CONSUMED, "topic-0")
    assert metrics.value(RECORDS_CONSUMED, "other") == 100
    assert metrics.value(RECORDS_CONSUMED, "topic-0") == 2
