"""A cluster with TLS and SASL as tests see it: configurations to reach it with, and tokens that it accepts."""

import base64
import json
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from consumers.adapters.kafka_clients import KafkaConnection
from consumers.app.config_file import ConfigFile, read_config
from consumers.app.connections import kafka_connection

REST: dict[str, Any] = {
    "model": {"base_url": "http://127.0.0.1:1/v1", "name": "offline"},
    "connectors": {
        "erp": {"use": "sandbox-erp", "base_url": "http://127.0.0.1:1", "token": {"env": "PATH"}},
    },
    "routes": [
        {
            "topic": "orders",
            "event": "order.requested",
            "goal": "Check it.",
            "actions": ["erp.check_stock"],
            "show_personal": ["note"],
        }
    ],
}
"""What a configuration needs beside its section `kafka`."""


@dataclass(frozen=True)
class SecuredKafka:
    """What `ops/kafka/start.py --secured` said."""

    bootstrap: str
    addresses: dict[str, str]
    folder: Path
    username: str
    issuer: str
    audience: str
    key_id: str

    @classmethod
    def read(cls, said: dict[str, Any]) -> "SecuredKafka":
        secured, token = said["secured"], said["secured"]["token"]
        return cls(
            bootstrap=said["bootstrap"],
            addresses=secured["addresses"],
            folder=Path(secured["folder"]),
            username=secured["username"],
            issuer=token["issuer"],
            audience=token["audience"],
            key_id=token["key_id"],
        )

    def file(self, name: str) -> str:
        """Return the path of a certificate, key or secret."""
        return str(self.folder / name)

    def secret(self, name: str) -> str:
        return (self.folder / name).read_text()

    def login(self, protocol: str, mechanism: str | None = None, **more: Any) -> dict[str, Any]:
        """Return a right `kafka.security`; `more` is laid over it, and None in it takes a field away."""
        section: dict[str, Any] = {"protocol": protocol}
        if protocol.endswith("SSL"):
            section["ca_file"] = self.file("ca.pem")
        if protocol == "SSL":
            section |= {"cert_file": self.file("client.pem"), "key_file": self.file("client.key")}
        if mechanism is not None:
            section["mechanism"] = mechanism
        if mechanism not in {None, "OAUTHBEARER"}:
            section |= {"username": self.username, "password": {"file": self.file("password")}}
        return {name: value for name, value in (section | more).items() if value is not None}

    def written(self, folder: Path, security: dict[str, Any]) -> Path:
        """Write a whole configuration and return its path."""
        address = self.addresses.get(security["protocol"], self.bootstrap)
        kafka = {"bootstrap": address, "security": security}
        path = folder / f"pointsman-{uuid.uuid4().hex[:8]}.yaml"
        path.write_text(yaml.safe_dump({"kafka": kafka, **REST}))
        return path

    def read_config(self, folder: Path, security: dict[str, Any]) -> ConfigFile:
        return read_config(self.written(folder, security))

    def connection(self, folder: Path, security: dict[str, Any]) -> KafkaConnection:
        """Return the connection as our programs make it, from a file."""
        return kafka_connection(self.read_config(folder, security).config.kafka)

    def new_topic(self) -> str:
        name = f"topic-{uuid.uuid4().hex[:12]}"
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        admin.create_topics([NewTopic(name, 1, 1)])[name].result(30)
        return name

    def token(self, *, lifetime_s: float = 300, **claims: Any) -> str:
        """Return a signed token (a JWT, RS256) as an identity provider would grant it."""
        now = time.time()
        said = {"sub": self.username, "iss": self.issuer, "aud": self.audience, "jti": uuid.uuid4().hex}
        said |= {"iat": int(now), "exp": now + lifetime_s, **claims}
        signed = f"{_part({'alg': 'RS256', 'kid': self.key_id})}.{_part(said)}"
        key = load_pem_private_key((self.folder / "signing-key.pem").read_bytes(), None)
        assert isinstance(key, RSAPrivateKey)
        return f"{signed}.{_encoded(key.sign(signed.encode(), PKCS1v15(), hashes.SHA256()))}"


def _part(value: dict[str, Any]) -> str:
    return _encoded(json.dumps(value).encode())


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
