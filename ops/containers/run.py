"""Prove the container paths on this machine: real Kafka by testcontainers, and docker compose with one event.

Uses the Docker engine that answers, with the public images; where none does (and this is root, with Debian's
docker.io and debootstrap installed), a private engine with images made here - see standins.py for what that proves
and what it does not. Everything that was started is stopped and removed at the end.

Examples:
    python ops/containers/run.py
    python ops/containers/run.py --only tests
    python ops/containers/run.py --only compose --services kafka redis registry
"""

import argparse
import io
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import standins
from engine import Engine, EngineError, engine

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
IMAGE = "pointsman:local"
IGNORE = ROOT / "ops" / "images" / "Dockerfile.dockerignore"
OURS = {"sandbox", "model", "topics", "schemas", "pointsman", "publisher"}
SERVICES = ("kafka", "redis", "registry", "sandbox", "model", "pointsman", "prometheus")
# The variables by which docker-compose.yml lets its published ports be chosen.
PORTS = tuple(re.findall(r"\$\{(\w+_PORT):-", (ROOT / "docker-compose.yml").read_text()))


def main() -> None:
    options = _options()
    try:
        with engine() as used:
            if used.private:
                _timed("images made", lambda: standins.build(used.address))
            if options.only in {None, "tests"}:
                _timed("tests on a container", lambda: _tests(used))
            if options.only in {None, "compose"}:
                _timed("docker compose", lambda: _compose(used, options.services))
    except (EngineError, OSError) as error:
        sys.exit(f"ops/containers/run.py: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"ops/containers/run.py: {error.cmd} ended with {error.returncode}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=["tests", "compose"], help="do one of the two")
    parser.add_argument(
        "--services",
        nargs="+",
        default=list(SERVICES),
        metavar="NAME",
        help="services to start (default: %(default)s)",
    )
    return parser.parse_args()


def _tests(used: Engine) -> None:
    environment = {
        "DOCKER_HOST": used.address,
        "POINTSMAN_REQUIRE_KAFKA": "container",
        "TESTCONTAINERS_CONNECTION_MODE": "docker_host",
        "TC_HOST": "127.0.0.1",
    }
    _run([sys.executable, "-m", "pytest", "tests/kafka", "-q"], environment)


def _compose(used: Engine, services: Sequence[str]) -> None:
    environment = {"DOCKER_HOST": used.address, **_free_ports()}
    compose = [*_compose_command(), "--project-name", "pointsman-containers"]
    if OURS.intersection(services):
        _build_image(used)
    offline = ["--pull", "never"] if used.private else []
    try:
        _run(
            [*compose, "up", "--detach", "--no-build", "--wait", "--quiet-pull", *offline, *services],
            environment,
        )
        _run(
            [*compose, "ps", "--all", "--format", "table {{.Service}}\t{{.Image}}\t{{.Status}}"], environment
        )
        if "pointsman" in services:
            _run([sys.executable, HERE / "one_event.py", *_addresses(environment)], environment)
    except subprocess.CalledProcessError:
        _run([*compose, "logs", "--tail", "60"], environment)
        raise
    finally:
        _run([*compose, "--profile", "*", "down", "--volumes", "--timeout", "20"], environment)


def _compose_command() -> list[str | Path]:
    plugin = ["docker", "compose", "version"]
    if shutil.which("docker") and not subprocess.run(plugin, capture_output=True, check=False).returncode:
        return ["docker", "compose"]
    return [shutil.which("docker-compose") or standins.tools() / "bin" / "docker-compose"]


def _build_image(used: Engine) -> None:
    # The context is packed here because only BuildKit reads the ignore file, and Debian's engine has none.
    packed = io.BytesIO()
    # Not Python's default format: the engine takes a tar that begins with a PAX header for a Dockerfile.
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as context:
        context.add(ROOT / "ops" / "images" / "Dockerfile", "Dockerfile")
        for name in _context():
            context.add(ROOT / name, name, filter=_without_caches)
    command = ["docker", "--host", used.address, "build", "--quiet", f"--tag={IMAGE}", "-"]
    environment = {**os.environ, "DOCKER_BUILDKIT": "0"} if used.private else None
    subprocess.run(command, input=packed.getvalue(), env=environment, check=True, timeout=900)


def _context() -> list[str]:
    return [line.removeprefix("!") for line in IGNORE.read_text().splitlines() if line.startswith("!")]


def _without_caches(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in entry.name else entry


def _addresses(environment: Mapping[str, str]) -> list[str]:
    registry = f"http://localhost:{environment['REGISTRY_PORT']}/apis/ccompat/v7"
    return ["--bootstrap", f"localhost:{environment['KAFKA_PORT']}", "--registry", registry]


def _free_ports() -> dict[str, str]:
    ports: dict[str, str] = {}
    held: list[socket.socket] = []
    # Free now, so that nothing which already listens on this machine is in the way.
    for name in PORTS:
        held.append(socket.create_server(("127.0.0.1", 0)))  # held until all are found, so that they differ
        ports[name] = str(held[-1].getsockname()[1])
    for server in held:
        server.close()
    return ports


def _run(command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
    subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=True, timeout=900)


def _timed(what: str, work: Callable[[], None]) -> None:
    started = time.monotonic()
    work()
    print(f"ops/containers: {what}: {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
