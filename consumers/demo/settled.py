"""The demo's configuration with the addresses of the servers that were started, comments and all."""

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from consumers.demo.options import HostedModel
from schemas.jws import new_pair

_KAFKA: Final = "127.0.0.1:9092"
_REDIS: Final = "redis://127.0.0.1:6379/0"
_SANDBOX: Final = "http://127.0.0.1:8082"
_MODEL: Final = "http://127.0.0.1:8081/v1"
_TOKEN: Final = "{file: sandbox-token}"  # noqa: S105 - where the secret is, not what it is
_KEY: Final = "{file: approver.key}"
_PUBLIC_KEY: Final = "{file: approver.key.pub}"


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


@dataclass(frozen=True, slots=True)
class Secrets:
    """Where the demo's secrets are.

    Attributes:
        token: the sandbox's.
        key: the private key of who approves.
        public_key: what the worker checks its signatures with.
    """

    token: Path
    key: Path
    public_key: Path


def write_secrets(folder: Path, token: str) -> Secrets:
    """Write the sandbox's token and a new key pair into files that only their owner can read."""
    found = Secrets(folder / "sandbox-token", folder / "approver.key", folder / "approver.key.pub")
    private, public = new_pair()
    for file, text in ((found.token, token), (found.key, private), (found.public_key, public)):
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")
    return found


def template() -> str:
    """Return the packaged `pointsman.yaml`: a valid file by itself, on the servers' usual ports."""
    return (files("consumers.demo") / "pointsman.yaml").read_text(encoding="utf-8")


def settled(text: str, addresses: Addresses, secrets: Secrets, hosted: HostedModel | None) -> str:
    """Return the template with real addresses in place of its own.

    Args:
        text: the template.
        addresses: of the servers.
        secrets: where they are.
        hosted: a real model, or None for the offline one.

    Raises:
        ValueError: the template no longer says what is to be replaced.
    """
    changes = {
        _KAFKA: addresses.kafka,
        _REDIS: addresses.redis,
        _SANDBOX: addresses.sandbox,
        _MODEL: addresses.model,
        _TOKEN: _file(secrets.token),
        _PUBLIC_KEY: _file(secrets.public_key),
        _KEY: _file(secrets.key),
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


def _file(path: Path) -> str:
    return f"{{file: {json.dumps(str(path))}}}"
