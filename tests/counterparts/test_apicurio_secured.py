"""A real registry with TLS, and with tokens that it checks: who we are, whom we trust, and what a role may do."""

import base64
import json
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from consumers.app.registry_login import endpoint_of
from consumers.app.registry_section import Registry
from schemas.errors import RegistryError, UnknownSchemaError
from schemas.registry.confluent import ConfluentRegistry
from schemas.registry.files import packaged_schemas
from tests.consumers.adapters.sessions.tls_door import Papers
from tests.counterparts.started import counterpart
from tests.kafka.identity_provider import CLIENT_ID, CLIENT_SECRET, identity_provider

SCHEMA = packaged_schemas()[0].schema
KEY = generate_private_key(public_exponent=65537, key_size=2048)
"""Signs tokens; the registry knows its public half."""


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    made = Papers.issued(tmp_path_factory.mktemp("registry") / "papers")
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (made.folder / "tokens.pub").write_bytes(public)
    return made


@pytest.fixture(scope="module")
def url(papers: Papers) -> Iterator[str]:
    with counterpart("apicurio", "--secured", str(papers.folder)) as said:
        yield said["url"]


def token(role: str, *, key: RSAPrivateKey = KEY, lifetime_s: float = 300) -> str:
    now = int(time.time())
    said = {
        "sub": "pointsman",
        "iss": "https://issuer.example",
        "iat": now,
        "exp": now + lifetime_s,
        "groups": [role],
    }
    signed = f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(said)}"
    return f"{signed}.{_encoded(key.sign(signed.encode(), PKCS1v15(), hashes.SHA256()))}"


def _part(value: dict[str, Any]) -> str:
    return _encoded(json.dumps(value).encode())


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@asynccontextmanager
async def client(url: str, **section: Any) -> AsyncGenerator[ConfluentRegistry]:
    made = ConfluentRegistry(endpoint_of(Registry.model_validate({"url": url, "tries": 1, **section})))
    try:
        yield made
    finally:
        await made.close()


class Mounted:
    """A file with a token, as a platform keeps it fresh."""

    def __init__(self, path: Path) -> None:
        self.section = {"token": {"file": path}}
        self._path = path

    def hold(self, text: str) -> None:
        self._path.write_text(text)


@pytest.fixture
def held(tmp_path: Path) -> Mounted:
    return Mounted(tmp_path / "token")


async def test_a_token_that_is_renewed_in_its_file_is_shown_and_its_role_counts(
    url: str, papers: Papers, held: Mounted
) -> None:
    ca = papers.folder / "ca.pem"
    held.hold(token("sr-readonly"))
    async with client(url, ca_file=ca, **held.section) as registry:
        with pytest.raises(UnknownSchemaError):
            await registry.id_of("roles", SCHEMA)
        with pytest.raises(
            RegistryError, match="the registry answered 403: these credentials may not do this"
        ):
            await registry.register("roles", SCHEMA)
        held.hold(token("sr-developer"))
        schema_id = await registry.register("roles", SCHEMA)
        held.hold(token("sr-readonly"))
        assert (await registry.schema_of(schema_id)).schema.digest == SCHEMA.digest
        assert await registry.id_of("roles", SCHEMA) == schema_id


@pytest.mark.parametrize("wrong", ["no token", "another key", "ended"])
async def test_who_is_not_known_is_refused(url: str, papers: Papers, held: Mounted, wrong: str) -> None:
    stranger = generate_private_key(public_exponent=65537, key_size=2048)
    shown = {"another key": token("sr-admin", key=stranger), "ended": token("sr-admin", lifetime_s=-3600)}
    held.hold(shown.get(wrong, ""))
    section: dict[str, Any] = {} if wrong == "no token" else held.section
    async with client(url, ca_file=papers.folder / "ca.pem", **section) as registry:
        with pytest.raises(RegistryError, match="answered 401: check the credentials in `registry`"):
            await registry.schema_of(1)


async def test_a_token_comes_from_an_endpoint_for_client_credentials(
    url: str, papers: Papers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_CLIENT_SECRET", CLIENT_SECRET)
    granted = {"access_token": token("sr-developer"), "token_type": "Bearer", "expires_in": 300}
    async with identity_provider(lambda: granted) as provider:
        oauth = {
            "token_url": provider.url,
            "client_id": CLIENT_ID,
            "client_secret": {"env": "TEST_CLIENT_SECRET"},
        }
        async with client(url, ca_file=papers.folder / "ca.pem", oauth=oauth) as registry:
            schema_id = await registry.register("granted", SCHEMA)
            assert (await registry.schema_of(schema_id)).schema.digest == SCHEMA.digest
    assert len(provider.forms) == 1


async def test_a_registry_that_another_authority_vouches_for_is_not_asked(
    url: str, tmp_path: Path, held: Mounted
) -> None:
    stranger = Papers.issued(tmp_path / "stranger")
    held.hold(token("sr-admin"))
    async with client(url, ca_file=stranger.folder / "ca.pem", **held.section) as registry:
        with pytest.raises(RegistryError, match="did not answer: ClientConnectorCertificateError"):
            await registry.schema_of(1)
