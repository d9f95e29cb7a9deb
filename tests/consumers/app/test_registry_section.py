"""The section `registry`: what does not go together is refused with its field and the fix; the rest becomes requests as they should be."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from consumers.app.registry_login import endpoint_of
from consumers.app.registry_section import Registry
from consumers.errors import ConfigurationError
from schemas.errors import RegistryError
from schemas.registry.rest import RegistryRest
from tests.schemas.stand_in import standing_in

SECRET = {"env": "TEST_SECRET"}
CANARY = "canary-secret"
URL = "https://registry.example.com"
OAUTH = {"token_url": "https://id.example.com/token", "client_id": "pointsman", "client_secret": SECRET}

RIGHT: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a folder": {"folder": "schemas"},
    "an address": {"url": "http://registry:8081"},
    "an address and the folder of our own": {"url": URL, "folder": "schemas"},
    "several addresses": {"url": URL, "other_urls": [f"{URL}:8082/apis/ccompat/v7"]},
    "a user": {"url": URL, "username": "pointsman", "password": SECRET},
    "a user on this machine": {"url": "http://127.0.0.1:8081", "username": "pointsman", "password": SECRET},
    "a token": {"url": URL, "token": SECRET},
    "OAuth, and a cluster at a provider": {
        "url": URL,
        "oauth": OAUTH,
        "headers": {"target-sr-cluster": "lsrc-1"},
    },
    "a certificate": {
        "url": URL,
        "ca_file": "ca.pem",
        "cert_file": "us.pem",
        "key_file": "us.key",
        "key_password": SECRET,
    },
}
WRONG: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "a port that is none": ({"url": "https://registry:99999"}, {"url": "must be https://host[:port][/path]"}),
    "a host with a space": ({"url": "https://a b"}, {"url": "must be https://host[:port][/path]"}),
    "an address that is none": ({"url": "https://[::1"}, {"url": "must be https://host[:port][/path]"}),
    "pins of a folder": ({"pins": {1: "a" * 64}}, {"pins": "the ids of a folder are digests already"}),
    "credentials of a folder": (
        {"token": SECRET, "headers": {"a": "b"}},
        {"token": "for a registry with a `url`", "headers": "for a registry with a `url`"},
    ),
    "no address": ({"url": "registry:8081"}, {"url": "must be https://host"}),
    "credentials in the address": ({"url": "https://u:canary-secret@r"}, {"url": "must have no credentials"}),
    "a query": ({"url": f"{URL}?context=a"}, {"url": "must have no credentials, query or fragment"}),
    "a password in the clear": (
        {"url": "http://registry:8081", "username": "u", "password": SECRET},
        {"url": "would send a secret in the clear"},
    ),
    "a token in the clear to another address": (
        {"url": URL, "other_urls": ["http://registry:8081"], "token": SECRET},
        {"other_urls": "would send a secret in the clear"},
    ),
    "two ways to prove who asks": (
        {"url": URL, "username": "u", "password": SECRET, "token": SECRET, "oauth": OAUTH},
        {"token": "another way to prove who asks than `password`", "oauth": "remove one of them"},
    ),
    "a user without a password": ({"url": URL, "username": "u"}, {"password": "the user name needs it"}),
    "a password without a user": ({"url": URL, "password": SECRET}, {"username": "the password needs it"}),
    "a certificate without TLS": (
        {"url": "http://registry", "ca_file": "ca.pem"},
        {"ca_file": "is for TLS, and no address has it"},
    ),
    "a certificate without its key": ({"url": URL, "cert_file": "us.pem"}, {"key_file": "needs its key"}),
    "a header that we set": (
        {"url": URL, "headers": {"authorization": "x"}},
        {"headers": "we set ourselves"},
    ),
    "a header that is two": ({"url": URL, "headers": {"a": "b\r\nc: d"}}, {"headers": "cannot be sent"}),
    "a token endpoint in the clear": (
        {"url": URL, "oauth": {**OAUTH, "token_url": "http://id.example.com"}},
        {"oauth.token_url": "would send a secret in the clear"},
    ),
    "very many tries": ({"url": URL, "tries": 100}, {"tries": "less than or equal to 10"}),
}


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_SECRET", CANARY)


@pytest.mark.parametrize("section", RIGHT.values(), ids=RIGHT)
def test_what_goes_together_is_taken(section: dict[str, Any]) -> None:
    Registry.model_validate(section)


@pytest.mark.parametrize(("section", "said"), WRONG.values(), ids=WRONG)
def test_what_does_not_is_refused_with_the_field_and_the_fix(
    section: dict[str, Any], said: dict[str, str]
) -> None:
    with pytest.raises(ValidationError) as caught:
        Registry.model_validate(section)
    found = {".".join(map(str, each["loc"])): each["msg"] for each in caught.value.errors()}
    assert found.keys() == said.keys()
    assert all(part in found[name] for name, part in said.items())
    assert CANARY not in "".join(found.values())


async def authorized(section: dict[str, Any]) -> str | None:
    """Return what a registry on loopback is shown."""
    async with standing_in() as server:
        rest = RegistryRest(endpoint_of(Registry.model_validate({"url": server.url, **section})))
        try:
            await rest.ask("GET", "/config", what="the level")
        finally:
            await rest.close()
        return server.authorization


async def test_a_user_is_shown_by_basic_authentication() -> None:
    assert await authorized({"username": "ann", "password": SECRET}) == "Basic YW5uOmNhbmFyeS1zZWNyZXQ="


async def test_without_credentials_none_are_shown() -> None:
    assert await authorized({}) is None


async def test_a_token_is_read_for_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    async with standing_in() as server:
        rest = RegistryRest(endpoint_of(Registry.model_validate({"url": server.url, "token": SECRET})))
        shown: list[str | None] = []
        for value in ("first", "second"):
            monkeypatch.setenv("TEST_SECRET", value)
            await rest.ask("GET", "/config", what="the level")
            shown.append(server.authorization)
        monkeypatch.setenv("TEST_SECRET", "no token\r\n x: y")
        with pytest.raises(RegistryError, match=r"registry\.token: what is there is no token"):
            await rest.ask("GET", "/config", what="the level")
        monkeypatch.delenv("TEST_SECRET")
        with pytest.raises(RegistryError, match=r"registry\.token: .* TEST_SECRET is not set"):
            await rest.ask("GET", "/config", what="the level")
        await rest.close()
    assert shown == ["Bearer first", "Bearer second"]
    assert len(server.requests) == 2


@pytest.mark.parametrize("name", ["password", "token"])
def test_a_secret_that_is_not_there_is_found_at_the_start(name: str) -> None:
    user = {"username": "ann"} if name == "password" else {}
    section = Registry.model_validate({"url": URL, name: {"env": "TEST_NOT_SET"}, **user})
    with pytest.raises(ConfigurationError, match=rf"registry\.{name}: the environment variable TEST_NOT_SET"):
        endpoint_of(section)


def test_a_file_that_is_not_there_is_found_at_the_start(tmp_path: Path) -> None:
    section = Registry.model_validate({"url": URL, "ca_file": tmp_path / "ca.pem"})
    with pytest.raises(ConfigurationError, match=r"registry\.ca_file: there is no file .*ca\.pem"):
        endpoint_of(section)
