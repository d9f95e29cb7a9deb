"""A folder of schema files that git keeps."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tests.schemas.evolution_pairs import record

WHO = ("-c", "user.name=A Publisher", "-c", "user.email=publisher@example.com", "-c", "commit.gpgsign=false")


@dataclass(frozen=True)
class GitFolder:
    """A folder inside a fresh repository."""

    path: Path

    @classmethod
    def make(cls, top: Path) -> "GitFolder":
        path = top / "events" / "avro"
        path.mkdir(parents=True)
        _git(top, "init", "--quiet")
        return cls(path)

    def write(self, name: str, *fields: Any, record_name: str = "shop.OrderPaid") -> None:
        """Write a schema file; nothing is committed."""
        (self.path / name).write_bytes(orjson.dumps(record(*fields, name=record_name)))

    def commit(self) -> None:
        """Commit what is there."""
        _git(self.path, "add", "--all", ".")
        _git(self.path, *WHO, "commit", "--quiet", "--allow-empty", "--message", "schemas")


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, timeout=30)
