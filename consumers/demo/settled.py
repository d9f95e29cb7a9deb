"""The demo's configuration with the addresses of the servers that were started, comments and all."""

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from consumers.demo.options import HostedModel

_KAFKA: Final = "127.0.0.1:9092"
_REDIS: Final = "redis://127.0.0.1:6379/0"
_SANDBOX: Final = "http://127.0.0.1:8082"
_MODEL: Final = "http://127.0.0.1:8081/v1"
_TOKEN: Final = "{file: sandbox-token}"  # noqa: S105 - where the secret is, not what it is


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the demo's servers listen.

    Attributes:
        kafka: bootstrap address.
        redis: URL.
        sandbox: URL of the sandbox ERP and CRM.
        model: base URL of the model, offline or hosted.
    """

    kafka: str
    redis: str
    sandbox: str
    model: str


def template() -> str:
    """Return the packaged `pointsman.yaml`: a valid file by itself, on the servers' usual ports."""
    return (files("consumers.demo") / "pointsman.yaml").read_text(encoding="utf-8")


def settled(text: str, addresses: Addresses, token_file: Path, hosted: HostedModel | None) -> str:
    """Return the template with real addresses in place of its own.

    Raises:
        ValueError: the template no longer says what is to be replaced.
    """
    changes = {
        _KAFKA: addresses.kafka,
        _REDIS: addresses.redis,
        _SANDBOX: addresses.sandbox,
        _MODEL: addresses.model,
        _TOKEN: f"{{file: {json.dumps(str(token_file))}}}",
    }
    if hosted:
        changes |= {
            "name: pointsman-offline": f"name: {json.dumps(hosted.name)}",
            "# api_key:": "api_key:",
            "price: {": "# price: {",  # nobody here knows a hosted model's price: the ceiling is counted
        }
    for old, new in changes.items():
        if old not in text:
            raise ValueError(f"the demo's pointsman.yaml does not say {old!r}")
        text = text.replace(old, new)
    return text
