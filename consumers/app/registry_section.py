"""The section `registry` of the configuration: a registry behind an address, or a folder of files."""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from consumers.app.contradictions import Wrong, certificate_mistakes, given, refuse
from consumers.app.section import SecretRef, Section

_OF_AN_ADDRESS: Final = (
    *("other_urls", "username", "password", "token", "oauth", "headers", "pins"),
    *("ca_file", "cert_file", "key_file", "key_password"),
)
_NO_PINS: Final = "are for a registry with a `url`: the ids of a folder are digests already"
_TLS_FIELDS: Final = ("ca_file", "cert_file", "key_file", "key_password")
_NO_ADDRESS: Final = "must be https://host[:port][/path], in ASCII and without spaces"
_ADDRESS: Final = re.compile(r"[\x21-\x7e]+")
_HEADER: Final = re.compile(r"[A-Za-z0-9-]+")
_HEADER_VALUE: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_OURS: Final = frozenset(
    {
        "authorization",
        "accept",
        "accept-encoding",
        "content-type",
        "content-length",
        "host",
        "user-agent",
        "cookie",
    }
)


class RegistryOAuth(Section):
    """Where tokens for the registry come from: an endpoint that grants them to a client."""

    token_url: str
    """An OAuth 2.0 token endpoint; `http` only on this machine"""
    client_id: str
    """Who asks there, with the grant `client_credentials`"""
    client_secret: SecretRef
    """Its secret"""
    client_auth: Literal["basic", "post"] = "basic"
    """How both are sent: in the header, or as form fields"""
    scope: str | None = None
    """What the token shall be good for"""
    parameters: dict[str, str] = {}  # noqa: RUF012 - pydantic copies it
    """Further form fields that a provider wants, such as `audience`"""
    ca_file: Path | None = None
    """PEM: who signs the endpoint's certificate; the system's list where missing"""

    @model_validator(mode="after")
    def _fits(self) -> "RegistryOAuth":
        refuse("RegistryOAuth", _address_mistakes("token_url", self.token_url, secret=True))
        return self


class Registry(Section):
    """Where schemas are found: a Confluent-compatible registry, or a folder beside the packaged ones."""

    url: str | None = None
    """A Confluent-compatible schema registry"""
    other_urls: tuple[str, ...] = ()
    """Further addresses of the same registry, asked where the first does not answer"""
    username: str | None = None
    """For basic authentication"""
    password: SecretRef | None = None
    """For basic authentication"""
    token: SecretRef | None = None
    """A bearer token, read for each request; what renews it may write it anew"""
    oauth: RegistryOAuth | None = None
    headers: dict[str, str] = {}  # noqa: RUF012 - pydantic copies it
    """Sent with each request, such as `target-sr-cluster`; no secrets"""
    ca_file: Path | None = None
    """PEM: who signs the registry's certificate, and nobody else; the system's list where missing"""
    cert_file: Path | None = None
    """PEM: our certificate, for mutual TLS"""
    key_file: Path | None = None
    """PEM: its key"""
    key_password: SecretRef | None = None
    """For an encrypted key"""
    timeout_s: float = Field(default=10.0, gt=0, le=60)
    """For one try of a request"""
    tries: int = Field(default=3, gt=0, le=10)
    """Of one request, at all addresses together; then whoever needs the schema waits and asks again"""
    folder: Path | None = None
    """Instead of a URL: a folder of `.avsc` files beside the packaged ones"""
    pins: dict[Annotated[int, Field(ge=0)], Annotated[str, Field(pattern="^[0-9a-f]{64}$")]] = {}  # noqa: RUF012 - the same
    """Schema ids and the SHA-256 of what each says, as [ops/security.md](ops/security.md) shows; another answer is refused"""

    @model_validator(mode="after")
    def _fits(self) -> "Registry":
        refuse("Registry", _mistakes(self))
        return self

    @property
    def urls(self) -> tuple[str, ...]:
        """All addresses, in the order in which they are asked; none for a folder."""
        return (self.url, *self.other_urls) if self.url is not None else ()


def _mistakes(registry: Registry) -> Iterator[Wrong]:
    if registry.url is None:
        for name in given(registry, _OF_AN_ADDRESS):
            yield (
                name,
                _NO_PINS if name == "pins" else "is for a registry with a `url`: add it, or remove this",
            )
        return
    yield from _login_mistakes(registry)
    yield from certificate_mistakes(registry)
    secret = registry.password is not None or registry.token is not None or registry.oauth is not None
    for place, url in enumerate(registry.urls):
        yield from _address_mistakes("other_urls" if place else "url", url, secret=secret)
    if not any(url.startswith("https:") for url in registry.urls):
        for name in given(registry, _TLS_FIELDS):
            yield name, "is for TLS, and no address has it: use https, or remove it"
    for name, value in registry.headers.items():
        if not _HEADER.fullmatch(name) or not _HEADER_VALUE.fullmatch(value) or name.lower() in _OURS:
            yield "headers", "has a name or a value that cannot be sent, or that we set ourselves: mend it"
            return


def _login_mistakes(registry: Registry) -> Iterator[Wrong]:
    ways = list(given(registry, ("password", "token", "oauth")))
    for name in ways[1:]:
        yield name, f"is another way to prove who asks than `{ways[0]}`: remove one of them"
    if registry.password is not None and registry.username is None:
        yield "username", "the password needs it: add `username: …`"
    if registry.username is not None and registry.password is None:
        yield "password", "the user name needs it: add `password: {env: NAME}`"


def _address_mistakes(name: str, url: str, *, secret: bool) -> Iterator[Wrong]:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # what stands for a port or an IPv6 address is none
        yield name, _NO_ADDRESS
        return
    if not usable or not _ADDRESS.fullmatch(url):
        yield name, _NO_ADDRESS
    elif parts.username or parts.password or parts.query or parts.fragment:
        yield name, "must have no credentials, query or fragment: they have fields of their own"
    elif parts.scheme == "http" and secret and not _is_loopback(parts.hostname or ""):
        yield name, "would send a secret in the clear: use https"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
