"""The workers that are compared: Pointsman, and a plain loop that does the same job."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from load import orders
from servers import CLI, Servers

from consumers.app.config_file import read_config
from consumers.app.resolve import resolve
from consumers.demo.options import OFFLINE
from consumers.demo.settled import settled, template, write_secrets
from consumers.router import prompt
from consumers.router.decision import FINISH_TOOL
from consumers.run.deciding import MAX_OUTPUT_TOKENS
from consumers.session.context import Context

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Variant:
    """One worker on one broker."""

    worker: str
    """`pointsman`, `plain` or `plain-fast`."""
    broker: str
    """`embedded` or `kafka`."""

    @property
    def name(self) -> str:
        return f"{self.worker} on {self.broker}"


@dataclass(frozen=True, slots=True)
class Command:
    """How a worker is started."""

    words: tuple[str | Path, ...]
    environment: Mapping[str, str]


def command(variant: Variant, servers: Servers, profile: Path | None) -> Command:
    """Write what the worker reads and return how it is started.

    Args:
        variant: what is to be started.
        servers: what it shall talk to.
        profile: where to write samples of where its time goes, or None.
    """
    config = _configuration(servers)
    if variant.worker == "pointsman":
        program = (sys.executable, HERE / "profiled_worker.py", profile) if profile else CLI
        return Command((*program, "run", "-c", config), {})
    addresses = servers.addresses
    words = (
        *(sys.executable, HERE / "plain_loop.py"),
        *("--bootstrap", addresses.kafka, "--model", addresses.model, "--sandbox", addresses.sandbox),
        *("--prompt", _prompt(config, servers.folder / "prompt.json")),
        *(["--fast"] if variant.worker == "plain-fast" else []),
    )
    return Command(words, {"SANDBOX_TOKEN": servers.token})


def _configuration(servers: Servers) -> Path:
    secrets = write_secrets(servers.folder, servers.token)
    config = servers.folder / "pointsman.yaml"
    config.write_text(settled(template(), servers.addresses, secrets, None))
    return config


def _prompt(config: Path, file: Path) -> Path:
    """Write down what Pointsman says to the model beside the event, so that the plain loop says the same."""
    (route,) = (r for r in resolve(read_config(config)).routes.values() if r.event == "order.requested")
    system, _user = prompt.opening(route, orders(1, 1)[0], Context()).messages
    said: dict[str, Any] = {
        "model": OFFLINE,
        "system": system["content"],
        "tools": [*route.tools, FINISH_TOOL],
        "fields": sorted(route.fields or ()),
        "max_output_tokens": MAX_OUTPUT_TOKENS,
    }
    file.write_bytes(orjson.dumps(said, default=dict))
    return file
