"""What stands in docker-compose.yml, dashboards and alerts says the same as the code and as one another."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from consumers.app.config_file import read_config
from consumers.demo.story import STORY, Business
from consumers.telemetry.metrics import PARTITION_GAUGES, READY, REDIS_CHECKED, TABLE, Histogram

ROOT = Path(__file__).parents[2]
OPS = ROOT / "ops"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOTS = {"topics", "schemas", "publisher"}
OF_THE_PROCESS = {"process_cpu_seconds_total", "process_resident_memory_bytes"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_has_a_pinned_image(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].rpartition(":")
    assert tag == "local" or re.fullmatch(r"v?\d+\.\d+\.\d+(-[a-z0-9.]+)?", tag)


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - ONE_SHOTS))
def test_every_service_that_stays_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_published_port_is_bound_to_loopback(name: str) -> None:
    assert all(str(port).startswith("127.0.0.1:") for port in SERVICES[name].get("ports", ()))


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_waits_for_health_and_not_for_a_start(name: str) -> None:
    waits = SERVICES[name].get("depends_on", {})
    assert {wait["condition"] for wait in waits.values()} <= {
        "service_healthy",
        "service_completed_successfully",
    }


def test_whatever_compose_mounts_from_the_repository_exists() -> None:
    mounts = {volume for service in SERVICES.values() for volume in service.get("volumes", ())}
    sources = {volume.split(":")[0] for volume in mounts if volume.startswith("./")}
    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_compose_routes_events_as_the_demo_does() -> None:
    ours = read_config(OPS / "images/pointsman.yaml").config
    demo = read_config(ROOT / "consumers/demo/pointsman.yaml").config
    assert ours.routes == demo.routes


def test_compose_publishes_the_events_of_the_demo() -> None:
    routed = {
        (route.topic, route.event) for route in read_config(OPS / "images/pointsman.yaml").config.routes
    }
    published = [
        (file.stem, json.loads(line))
        for file in sorted((OPS / "images/story").glob("*.jsonl"))
        for line in file.read_text().splitlines()
    ]
    assert {(topic, event["type"]) for topic, event in published} == routed
    payloads = [event["payload"] for _, event in published]
    told = [scene.published for scene in STORY if isinstance(scene.published, Business)]
    assert [event.name for event in told if event.payload not in payloads] == []


def _expressions() -> Iterator[str]:
    dashboard = json.loads((OPS / "grafana/dashboards/pointsman.json").read_text())
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    for group in yaml.safe_load((OPS / "prometheus/alerts.yml").read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


def test_every_metric_that_is_shown_or_alerted_on_exists() -> None:
    used = {name for text in _expressions() for name in re.findall(r"\b(?:pointsman|process)_\w+", text)}
    there = {f"pointsman_{row.name}" for row in TABLE}
    there |= {f"pointsman_{row.name}_bucket" for row in TABLE if isinstance(row, Histogram)}
    assert used - there - OF_THE_PROCESS == set()


def test_every_metric_is_shown_on_the_dashboard() -> None:
    shown = " ".join(_expressions())
    assert [row.name for row in TABLE if f"pointsman_{row.name}" not in shown] == ["build_info"]


def test_what_says_how_a_worker_stands_is_asked_of_no_replay() -> None:
    of_workers = "|".join(row.name for row in (*PARTITION_GAUGES, READY, REDIS_CHECKED))
    asked = re.findall(rf"pointsman_(?:{of_workers})\b(.*?)[\[) ]", " ".join(_expressions()))
    assert set(asked) == {'{job="pointsman"}'}
    scraped = yaml.safe_load((OPS / "prometheus/prometheus.yml").read_text())["scrape_configs"]
    assert [each["job_name"] for each in scraped] == ["pointsman"]


def test_every_metric_and_alert_that_the_page_on_replays_names_exists() -> None:
    page = (OPS / "replaying.md").read_text()
    named = set(re.findall(r"\bpointsman_\w+", page))
    assert named
    assert named - {f"pointsman_{row.name}" for row in TABLE} == set()
    assert "alert: PointsmanReplayStuck\n" in (OPS / "prometheus/alerts.yml").read_text()


def test_the_stand_ins_carry_the_names_that_compose_and_the_dockerfile_use() -> None:
    names = set(re.findall(r'"(\S+/?\S+:[\w.-]+)",\n', (OPS / "containers/standins.py").read_text()))
    dockerfile = re.findall(r"^FROM (\S+)", (OPS / "images/Dockerfile").read_text(), re.MULTILINE)
    public = {service["image"] for service in SERVICES.values()} - {"pointsman:local"}
    unavailable = {image for image in public if image.startswith("grafana/")}
    assert (public - unavailable) | set(dockerfile) <= names
