"""What a counterpart is made of: fetched once, pinned by hashes, kept in the repository's `.cache/`.

Counterparts are programs that others wrote. They get environments of their own, so that nothing of theirs comes near
the packages that Pointsman itself runs on.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "counterparts"
_MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
CANNOT_BE_HAD = 69  # EX_UNAVAILABLE of sysexits.h


class UnavailableError(Exception):
    """A counterpart cannot be had on this machine; says what is missing."""


def unavailable(name: str, error: UnavailableError) -> NoReturn:
    """End a start command so that the tests can tell "cannot be had here" from "is broken"."""
    print(f"{name}: {error}", file=sys.stderr)
    raise SystemExit(CANNOT_BE_HAD)


def python_environment(name: str, lock: Path, *, install_s: float = 600) -> Path:
    """Return the Python of an environment that holds what a lock file with hashes names."""

    def install(folder: Path) -> None:
        _run([sys.executable, "-m", "venv", str(folder)], "making an environment", install_s)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
        # It is moved when it is whole, and its scripts name the folder they were made in: run `python -m …` instead.
        _run([*pip, "install", "--require-hashes", "-r", str(lock)], "pip", install_s)

    return kept(name, lock.read_bytes(), install) / "bin" / "python"


def node_packages(name: str, folder: Path, *, install_s: float = 600) -> Path:
    """Return the folder whose `node_modules` holds what `package.json` and `package-lock.json` of a folder name."""
    files = [folder / "package.json", folder / "package-lock.json"]
    npm = shutil.which("npm")
    if npm is None:
        raise UnavailableError("npm is not installed")

    def install(into: Path) -> None:
        for file in files:
            shutil.copy(file, into)
        # No package may run a program of its own while it is installed.
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(into)]
        _run(command, "npm", install_s)

    return kept(name, b"".join(file.read_bytes() for file in files), install)


def node_program() -> str:
    """Return the Node.js of this machine; raises UnavailableError where there is none."""
    node = shutil.which("node")
    if node is None:
        raise UnavailableError("node is not installed (package nodejs)")
    return node


def maven_archive(name: str, artifact: str, sha256: str, *, install_s: float = 600) -> Path:
    """Return the folder that holds what a `.tar.gz` of a Maven repository unpacks to.

    Args:
        name: of the counterpart.
        artifact: `group:artifact:version:tar.gz[:classifier]`.
        sha256: what the archive has to be, in hexadecimal; Maven verifies only that it is what the repository sent.
    """
    maven = shutil.which("mvn")
    if maven is None:
        raise UnavailableError("mvn is not installed (package maven)")

    def install(into: Path) -> None:
        copy = [maven, "-B", "-q", _MAVEN_COPY, f"-Dartifact={artifact}", f"-DoutputDirectory={into}"]
        _run(copy, "mvn", install_s)
        (archive,) = into.iterdir()
        with archive.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256:
            raise UnavailableError(f"{artifact} is not the pinned archive: its SHA-256 is {found}")
        with tarfile.open(archive) as packed:
            packed.extractall(into, filter="data")
        archive.unlink()

    return kept(name, f"{artifact} {sha256}".encode(), install)


def kept(name: str, made_of: bytes, make: Callable[[Path], None]) -> Path:
    """Return the folder that `make` fills, made once for these ingredients, also by several processes at once.

    Args:
        name: of the counterpart.
        made_of: what decides its content; other ingredients make another folder.
        make: fills an empty folder; a folder that it failed to fill is not kept.
    """
    folder = CACHE / f"{name}-{hashlib.sha256(made_of).hexdigest()[:12]}"
    with _alone(name):
        if not folder.is_dir():
            partial = Path(tempfile.mkdtemp(dir=CACHE, prefix=f"{name}-partial-"))
            try:
                make(partial)
                partial.rename(folder)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    return folder


@contextmanager
def _alone(name: str) -> Generator[None]:
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(command: Sequence[str], what: str, timeout_s: float) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{what} did not end within {timeout_s:.0f} s") from error
    if done.returncode:
        raise UnavailableError(f"{what} ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
