"""Listeners as companies have them, beside the plain one: TLS with client certificates, and SASL with every mechanism.

`Secured.made` writes all that a client needs into a folder; secrets are files there, as Kubernetes mounts them.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from certificates import Authority, private_pem, signing_key

HOST = "127.0.0.1"
USER = "pointsman"
AUDIENCE = "kafka"
ISSUER = "https://issuer.example"
KEY_ID = "test"
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
SESSION_MS = 3_600_000
"""With a bound on sessions (KIP-368) the broker also ends one when its token ends, and that is to be seen here."""

_MODULES = "org.apache.kafka.common.security"
_VALIDATOR = f"{_MODULES}.oauthbearer.OAuthBearerValidatorCallbackHandler"


@dataclass(frozen=True, slots=True)
class Secured:
    """The secured listeners of one node.

    Attributes:
        folder: certificates, keys, secrets and the keys that check tokens.
        ssl: port with TLS and client certificates.
        sasl_ssl: port with TLS and SASL.
        sasl_plaintext: port with SASL alone.
        password: of the user; `PLAIN` and both SCRAM mechanisms know it.
    """

    folder: Path
    ssl: int
    sasl_ssl: int
    sasl_plaintext: int
    password: str

    @classmethod
    def made(cls, folder: Path, ports: Sequence[int]) -> "Secured":
        """Write certificates, keys and secrets into a new folder; `ports` are three free ones."""
        folder.mkdir(mode=0o700)
        authority, stranger = Authority("Pointsman tests"), Authority("somebody else")
        certificate, key = authority.issue("broker", addresses=[HOST, "localhost"])
        (folder / "broker.pem").write_bytes(private_pem(key) + certificate)
        (folder / "ca.pem").write_bytes(authority.certificate)
        (folder / "other-ca.pem").write_bytes(stranger.certificate)
        certificate, key = authority.issue("worker")
        key_password, password = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        (folder / "client.pem").write_bytes(certificate)
        (folder / "client.key").write_bytes(private_pem(key))
        (folder / "client-encrypted.key").write_bytes(private_pem(key, key_password))
        (folder / "key-password").write_text(key_password)
        (folder / "password").write_text(password)
        signing_key(folder, KEY_ID)
        ssl, sasl_ssl, sasl_plaintext = ports
        return cls(folder, ssl, sasl_ssl, sasl_plaintext, password)

    @property
    def addresses(self) -> dict[str, str]:
        ports = {"SSL": self.ssl, "SASL_SSL": self.sasl_ssl, "SASL_PLAINTEXT": self.sasl_plaintext}
        return {protocol: f"{HOST}:{port}" for protocol, port in ports.items()}

    @property
    def listeners(self) -> list[str]:
        return [f"{protocol}://{address}" for protocol, address in self.addresses.items()]

    @property
    def format_arguments(self) -> list[str]:
        """What `StorageTool format` must be told: SCRAM's credentials are in the cluster's metadata."""
        scram = [f"{name}=[name={USER},password={self.password}]" for name in MECHANISMS if "SCRAM" in name]
        return [word for each in scram for word in ("--add-scram", each)]

    @property
    def java_arguments(self) -> list[str]:
        # Since Kafka 4.0 a broker reads keys only from where this says.
        return [f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={self._jwks}"]

    @property
    def properties(self) -> dict[str, object]:
        """What `server.properties` needs more."""
        logins = {
            "plain": f'{_MODULES}.plain.PlainLoginModule required user_{USER}="{self.password}";',
            "scram-sha-256": f"{_MODULES}.scram.ScramLoginModule required;",
            "scram-sha-512": f"{_MODULES}.scram.ScramLoginModule required;",
            "oauthbearer": f"{_MODULES}.oauthbearer.OAuthBearerLoginModule required;",
        }
        protocols = ("PLAINTEXT", *self.addresses)
        settings: dict[str, object] = {
            # Named after their protocols, as by default; but the default ends where one has another name.
            "listener.security.protocol.map": ",".join(
                ["CONTROLLER:PLAINTEXT", *(f"{protocol}:{protocol}" for protocol in protocols)]
            ),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.folder / "broker.pem",
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.folder / "ca.pem",
            "listener.name.ssl.ssl.client.auth": "required",
            "sasl.enabled.mechanisms": ",".join(MECHANISMS),
            "sasl.oauthbearer.jwks.endpoint.url": self._jwks,
            "sasl.oauthbearer.expected.audience": AUDIENCE,
            "sasl.oauthbearer.expected.issuer": ISSUER,
        }
        for listener in ("listener.name.sasl_ssl", "listener.name.sasl_plaintext"):
            settings |= {f"{listener}.{name}.sasl.jaas.config": login for name, login in logins.items()}
            settings[f"{listener}.oauthbearer.sasl.server.callback.handler.class"] = _VALIDATOR
            settings[f"{listener}.oauthbearer.connections.max.reauth.ms"] = SESSION_MS
        return settings

    @property
    def described(self) -> dict[str, object]:
        """What a client has to know, as JSON can say it."""
        return {
            "addresses": self.addresses,
            "folder": str(self.folder),
            "username": USER,
            "token": {"issuer": ISSUER, "audience": AUDIENCE, "key_id": KEY_ID},
        }

    @property
    def _jwks(self) -> str:
        return (self.folder / "jwks.json").as_uri()
