"""A real Apache Kafka for the tests of this folder.

A container where a Docker engine answers and has the image; else the Maven jars of `ops/kafka/`; else the engine
pulls the image; else the tests are skipped by name. POINTSMAN_REQUIRE_KAFKA=1 makes that a failure, and `container`
or `jars` in its place says which of the two it has to be.

Under pytest-xdist every worker that meets such a test starts a broker of its own; with `--dist loadgroup` all of
them go to one worker and share one.
"""

import json
import os
import select
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import docker
import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from docker.errors import DockerException
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from tests.kafka.secured_cluster import SecuredKafka

IMAGE = "apache/kafka:4.4.0"
START = Path(__file__).parents[2] / "ops" / "kafka" / "start.py"
START_S = 240  # the first start on a machine resolves the jars or pulls the image

NewTopicNamed = Callable[..., str]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"kafka", "secured_kafka"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.kafka)
            item.add_marker(pytest.mark.xdist_group("kafka"))
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(START_S + 60))


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """The bootstrap address of a real Apache Kafka on loopback. It creates no topic by itself: see `new_topic`."""
    required = os.environ.get("POINTSMAN_REQUIRE_KAFKA", "")
    source, missing = _choose(required)
    if source is None:
        (pytest.fail if required else pytest.skip)(f"no real Kafka: {missing}")
    with source as bootstrap:
        yield bootstrap


@pytest.fixture(scope="session")
def secured_kafka() -> Iterator[SecuredKafka]:
    """A real Apache Kafka that also listens with TLS and SASL. Always from the jars: the image is for plain ones."""
    missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    if missing:
        only_jars = os.environ.get("POINTSMAN_REQUIRE_KAFKA", "") in {"1", "jars"}
        (pytest.fail if only_jars else pytest.skip)(
            f"no real Kafka with TLS and SASL: not installed: {missing}"
        )
    with _started("--secured") as said:
        yield SecuredKafka.read(said)


@pytest.fixture
def new_topic(kafka: str) -> NewTopicNamed:
    """Makes a topic with a name of its own: `new_topic("orders", partitions=3)`."""
    admin = AdminClient({"bootstrap.servers": kafka})

    def create(name: str = "topic", *, partitions: int = 1) -> str:
        unique = f"{name}-{uuid.uuid4().hex[:12]}"
        admin.create_topics([NewTopic(unique, partitions, 1)])[unique].result(30)
        return unique

    return create


def _choose(required: str) -> tuple[AbstractContextManager[str] | None, str]:
    engine, image = _engine_and_image()
    tools = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    candidates = [
        ("container", image, _container),
        ("jars", not tools, _jars),
        ("container", engine, _container),  # pulls the image
    ]
    for name, usable, source in candidates:
        if usable and required in {"", "1", name}:
            return source(), ""
    return (
        None,
        f"no Docker engine answers{' with ' + IMAGE if engine else ''}, not installed: {tools or 'nothing'}",
    )


def _engine_and_image() -> tuple[bool, bool]:
    # Only an engine of this machine: a remote one could not publish its port on our loopback. Asked by a socket
    # first, because the client leaves one open when nobody listens.
    path = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(3)
            probe.connect(path)
        with closing(docker.from_env(timeout=3)) as client:
            return client.ping(), bool(client.images.list(IMAGE))
    except (OSError, DockerException):
        return False, False


@contextmanager
def _jars() -> Generator[str]:
    with _started() as said:
        yield said["bootstrap"]


def another_kafka() -> AbstractContextManager[str]:
    """Start one more broker, from the jars: another cluster beside that of `kafka`."""
    return _jars()


@contextmanager
def _started(*options: str) -> Generator[dict[str, Any]]:
    command = [sys.executable, START, "--with-parent", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            readable, _, _ = select.select([process.stdout], [], [], START_S)
            line = process.stdout.readline() if readable else b""
            if not line:
                pytest.fail(f"{START} did not come up; its reason stands on standard error")
            yield json.loads(line)
        finally:
            process.terminate()


@contextmanager
def _container() -> Generator[str]:
    # The reaper is a second image; a broker that is stopped below, or with its engine, needs none.
    testcontainers_config.ryuk_disabled = True
    port = _free_port()
    container = DockerContainer(IMAGE)
    # Without the address the engine publishes to every network.
    container.ports["9092/tcp"] = ("127.0.0.1", port)  # pyright: ignore[reportArgumentType] - passed on as it is
    for name, value in _container_environment(port).items():
        container.with_env(name, value)
    with container:
        bootstrap = f"127.0.0.1:{port}"
        try:
            _await_broker(bootstrap)
        except KafkaException as error:
            pytest.fail(f"{IMAGE} does not serve: {error}\n{container.get_logs()}")
        yield bootstrap


def _container_environment(port: int) -> dict[str, str]:
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        # The broker talks to itself too (transaction markers), and cannot by the port that the host sees.
        "KAFKA_LISTENERS": "HOST://:9092,CONTROLLER://:9093,BROKER://:19092",
        "KAFKA_ADVERTISED_LISTENERS": f"HOST://127.0.0.1:{port},BROKER://localhost:19092",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "HOST:PLAINTEXT,CONTROLLER:PLAINTEXT,BROKER:PLAINTEXT",
        "KAFKA_INTER_BROKER_LISTENER_NAME": "BROKER",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS": "4",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _await_broker(bootstrap: str, *, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    # The client tries again by itself, but a published port without a listener behind it answers and hangs up.
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, "reconnect.backoff.max.ms": 500})
    while True:
        try:
            admin.list_topics(timeout=5)
        except KafkaException:
            if time.monotonic() > deadline:
                raise
        else:
            return
