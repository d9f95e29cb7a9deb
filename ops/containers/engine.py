"""A Docker engine: the one that answers already, or a private one that ends with us.

The private one has its own data, state and socket in one folder, and is started and stopped by its process id.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class EngineError(Exception):
    """There is no engine, and none can be started here."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Where an engine listens, and whether it is ours alone: only then may images be put under public names."""

    address: str
    private: bool


@contextmanager
def engine() -> Generator[Engine]:
    """Yield an engine that answers; a private one is gone, with all it stored, when the block ends.

    Docker's own packet-filter chains stay behind in the kernel, empty, until the machine restarts.
    """
    if address := _answering():
        yield Engine(address, private=False)
        return
    dockerd = shutil.which("dockerd")
    if dockerd is None or os.geteuid() != 0:
        raise EngineError(
            "no Docker engine answers, and a private one needs root and dockerd: "
            "apt-get install --no-install-recommends docker.io debootstrap"
        )
    folder = Path(tempfile.mkdtemp(prefix="pointsman-engine-"))
    bridged = _has_bridge()
    address = f"unix://{folder}/docker.sock"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(_command(dockerd, folder, address), stdout=log, stderr=log)
    try:
        _await(process, address, folder / "log")
        yield Engine(address, private=True)
    finally:
        process.terminate()
        process.wait(60)
        if not bridged:
            subprocess.run(["ip", "link", "delete", "docker0"], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _command(dockerd: str, folder: Path, address: str) -> list[str]:
    return [
        dockerd,
        f"--host={address}",
        f"--data-root={folder}/data",
        f"--exec-root={folder}/exec",
        f"--pidfile={folder}/pid",
        "--storage-driver=overlay2",
    ]


def _answering() -> str | None:
    address = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    return address if _answers(address) else None


def _answers(address: str) -> bool:
    command = ["docker", "--host", address, "version", "--format", "{{.Server.Version}}"]
    try:
        return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False


def _has_bridge() -> bool:
    return Path("/sys/class/net/docker0").exists()


def _await(process: subprocess.Popen[bytes], address: str, log: Path, *, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not _answers(address):
        if process.poll() is not None or time.monotonic() > deadline:
            raise EngineError(f"dockerd does not come up:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.2)
