"""A KRaft cluster of one or more nodes on loopback, each both broker and controller, all in one temporary folder."""

import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from handshake import brokers

if TYPE_CHECKING:
    from security import Secured

HOST = "127.0.0.1"
CLUSTER_ID = "UG9pbnRzbWFuVGVzdEthZg"  # any 16 bytes in base64
# Small and quick to start rather than fast for long: a test's broker lives for seconds.
JVM = (
    "-Xms64m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xshare:auto",
    "-Djava.awt.headless=true",
)
LOGGING = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true")


class StartError(Exception):
    """A node did not come up; the message ends with what it logged."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node's place: its id, its ports on loopback and its folder."""

    number: int
    port: int
    controller_port: int
    folder: Path

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"


def properties(node: Node, nodes: Sequence[Node], secured: "Secured | None" = None) -> str:
    """Return the `server.properties` of a node: strict where production is, small where only tests run."""
    listeners = [f"PLAINTEXT://{node.address}", f"CONTROLLER://{HOST}:{node.controller_port}"]
    copies = min(3, len(nodes))
    settings = {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "controller.quorum.voters": ",".join(
            f"{peer.number}@{HOST}:{peer.controller_port}" for peer in nodes
        ),
        "controller.listener.names": "CONTROLLER",
        "listeners": ",".join([*listeners, *(secured.listeners if secured else [])]),
        "log.dirs": node.folder / "data",
        # Topics are made on purpose here (`pointsman topics create`); a misspelt name must not make one.
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": max(1, copies - 1),
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": max(1, copies - 1),
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": max(1, copies - 1),
        # Tests of rebalances and of lost members cannot wait for the defaults (3 s and 6 s).
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,
        **(secured.properties if secured else {}),
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def free_ports(count: int) -> list[int]:
    """Return free ports below the range that the kernel hands to outgoing connections and to port 0.

    Kafka has to know its port before it starts, so a port out of that range could be gone by then.
    """
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


class Cluster:
    """Running nodes. Use as a context manager: leaving it ends the JVMs and removes their folder."""

    def __init__(self, jars: Sequence[Path], *, nodes: int = 1, secured: bool = False) -> None:
        java = shutil.which("java")
        if java is None:
            raise StartError("java (17 or later) is not installed")
        self._folder = Path(tempfile.mkdtemp(prefix="pointsman-kafka-"))
        # One draw for all: a second one could meet ports of the first, which nobody listens on yet.
        drawn = free_ports(2 * nodes + 3)
        ports = drawn[3:]
        self.nodes = [
            Node(number, port, controller_port, self._folder / str(number))
            for number, port, controller_port in zip(
                range(1, nodes + 1), ports[::2], ports[1::2], strict=True
            )
        ]
        self.secured = _secured(self._folder / "secured", drawn[:3]) if secured else None
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        self._java = [
            java,
            *JVM,
            *LOGGING,
            f"-Djava.io.tmpdir={self._folder}",
            *(self.secured.java_arguments if self.secured else ()),
            "-cp",
            ":".join(map(str, jars)),
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def bootstrap(self) -> str:
        return ",".join(node.address for node in self.nodes)

    def start(self, *, timeout_s: float = 60) -> None:
        """Format the storage, start every node and return once each answers and knows all the others."""
        deadline = time.monotonic() + timeout_s
        for node in self.nodes:
            self._format(node, timeout_s)
        for node in self.nodes:
            self.processes[node.number] = self._run(node)
        for node in self.nodes:
            self._await(node, deadline)

    def alive(self) -> bool:
        """Return whether at least one node still runs."""
        return any(process.poll() is None for process in self.processes.values())

    def end(self, number: int, *, at_once: bool = False, timeout_s: float = 30) -> None:
        """End one node, in order or as a machine that fails; its port and its data stay for `restart`.

        One that is not done in time is ended at once.
        """
        process = self.processes[number]
        process.send_signal(signal.SIGKILL if at_once else signal.SIGTERM)
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout_s)

    def restart(self, number: int, *, timeout_s: float = 60) -> None:
        """Start a node that has ended, on its port and its data, and return once it answers and knows the others."""
        deadline = time.monotonic() + timeout_s
        (node,) = (node for node in self.nodes if node.number == number)
        self.processes[number] = self._run(node)
        self._await(node, deadline)

    def stop(self, *, timeout_s: float = 10) -> None:
        """End every node, first politely and then not, and remove what they wrote."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGCONT)  # one that a test has stopped could not hear the other
        for process in self.processes.values():
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout_s)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _format(self, node: Node, timeout_s: float) -> None:
        node.folder.mkdir()
        config = node.folder / "server.properties"
        config.write_text(properties(node, self.nodes, self.secured))
        command = [*self._java, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(config)]
        command += self.secured.format_arguments if self.secured else ()
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
        if done.returncode != 0:
            raise StartError(f"node {node.number}: formatting its storage failed\n{done.stdout}{done.stderr}")

    def _run(self, node: Node) -> subprocess.Popen[bytes]:
        command = [*self._java, "kafka.Kafka", str(node.folder / "server.properties")]
        with (node.folder / "log").open("ab") as log:
            # A session of its own, so that Ctrl-C at a terminal reaches only us and the end stays orderly.
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _await(self, node: Node, deadline: float) -> None:
        while time.monotonic() < deadline:
            if self.processes[node.number].poll() is not None:
                raise StartError(f"node {node.number} ended while it started\n{self._logged(node)}")
            try:
                if brokers((HOST, node.port)) == len(self.nodes):
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise StartError(f"node {node.number} was not ready in time\n{self._logged(node)}")

    def _logged(self, node: Node) -> str:
        return (node.folder / "log").read_text(errors="replace")[-4000:]


def _secured(folder: Path, ports: Sequence[int]) -> "Secured":
    # Not at the top, because it needs a package: the plain cluster runs by any Python.
    from security import Secured

    return Secured.made(folder, ports)
