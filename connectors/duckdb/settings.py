"""A section of the kind `duckdb`."""

from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field

from connectors.sql.settings import SqlSettings


class DuckDbSettings(SqlSettings):
    """Which file, and what can be read of it.

    Attributes:
        path: the database file. It is opened for each call, read-only, so that whoever writes it can in between.
        connections: most calls at once; each has a thread.
        threads: of one query.
        memory_mb: that all queries of the file together may take, in MiB; they spill nothing to disk.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path
    connections: Annotated[int, Field(ge=1, le=32)] = 2
    threads: Annotated[int, Field(ge=1, le=64)] = 2
    memory_mb: Annotated[int, Field(ge=16, le=1_000_000)] = 512
