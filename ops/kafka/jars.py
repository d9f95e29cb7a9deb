"""The broker's jars: resolved once by Maven, cached in the repository's `.cache/`, checked against pinned sums.

Maven verifies only that a download is what the repository sent; `SHA256SUMS` says what it has to be.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
POM = HERE / "pom.xml"
SUMS = HERE / "SHA256SUMS"
CACHE = HERE.parent.parent / ".cache" / "kafka"


class JarsError(Exception):
    """The jars cannot be resolved, or they are not the pinned ones."""


def kafka_version() -> str:
    """Return the version of Apache Kafka that `pom.xml` asks for."""
    version = ET.parse(POM).getroot().findtext("{http://maven.apache.org/POM/4.0.0}version")
    if version is None:
        raise JarsError(f"{POM} has no <version>")
    return version


def jars(*, resolve_s: float = 600) -> list[Path]:
    """Return the checked jars, resolving them first where the cache has none.

    Safe to call from several processes at once: one resolves, the others wait for it.
    """
    folder = CACHE / kafka_version()
    with _alone():
        if not folder.is_dir():
            _resolve(folder, resolve_s)
    found = sorted(folder.glob("*.jar"))
    _check(found)
    return found


def pin() -> int:
    """Write `SHA256SUMS` anew from what Maven resolves now; return the number of jars."""
    folder = CACHE / kafka_version()
    with _alone():
        shutil.rmtree(folder, ignore_errors=True)
        _resolve(folder, 600)
    found = sorted(folder.glob("*.jar"))
    SUMS.write_text("".join(f"{_sha256(jar)}  {jar.name}\n" for jar in found))
    return len(found)


@contextmanager
def _alone() -> Generator[None]:
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _resolve(folder: Path, timeout_s: float) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise JarsError("Apache Maven (mvn) is not installed")
    partial = Path(tempfile.mkdtemp(dir=CACHE))
    command = [maven, "-B", "-q", "-f", POM, "dependency:copy-dependencies", f"-DoutputDirectory={partial}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
        if done.returncode != 0:
            raise JarsError(f"mvn ended with {done.returncode}:\n{(done.stdout + done.stderr)[-4000:]}")
        # A rename, so that a run that was killed half-way leaves no half-filled folder behind.
        partial.rename(folder)
    except subprocess.TimeoutExpired as error:
        raise JarsError(f"mvn did not end within {timeout_s:.0f} s") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _check(found: list[Path]) -> None:
    pinned = dict(line.split(maxsplit=1)[::-1] for line in SUMS.read_text().splitlines())
    actual = {jar.name: _sha256(jar) for jar in found}
    wrong = sorted(name for name in pinned.keys() | actual.keys() if pinned.get(name) != actual.get(name))
    if wrong:
        raise JarsError(
            f"these jars are not the ones pinned in {os.path.relpath(SUMS)}: {', '.join(wrong)}. Delete "
            f"{os.path.relpath(CACHE)} to fetch them again; if pom.xml was changed, run start.py --pin"
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
