"""Which settings of `kafka.security` go together. Each mistake names its field and the fix, and repeats no value."""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from consumers.app.contradictions import Wrong, certificate_mistakes, given

if TYPE_CHECKING:
    from consumers.app.config import KafkaOAuth, KafkaSecurity

_SASL_FIELDS: Final = ("mechanism", "username", "password", "oauth")
_TLS_FIELDS: Final = ("ca_file", "cert_file", "key_file", "key_password")
_ENDPOINT_FIELDS: Final = ("token_url", "client_id", "client_secret")
_OURS: Final = frozenset({"grant_type", "scope", "client_id", "client_secret"})
_EXTENSION_NAME: Final = re.compile(r"[A-Za-z]+")
_EXTENSION_VALUE: Final = re.compile(r"[\x21-\x7e \t\r\n]+")


def security_mistakes(security: "KafkaSecurity") -> Iterator[Wrong]:
    """Yield what does not go together in `kafka.security`."""
    protocol = security.protocol
    if protocol.startswith("SASL"):
        yield from _login_mistakes(security)
    else:
        for name in given(security, _SASL_FIELDS):
            yield name, f"is for SASL, and the protocol is {protocol}: set `protocol: SASL_SSL`, or remove it"
    if protocol.endswith("SSL"):
        yield from certificate_mistakes(security)
    else:
        secure = "SASL_SSL" if protocol.startswith("SASL") else "SSL"
        for name in given(security, _TLS_FIELDS):
            yield name, f"is for TLS, and the protocol is {protocol}: set `protocol: {secure}`, or remove it"


def oauth_mistakes(oauth: "KafkaOAuth") -> Iterator[Wrong]:
    """Yield what does not go together in `kafka.security.oauth`."""
    if oauth.token is not None:
        for name in given(oauth, (*_ENDPOINT_FIELDS, "scope", "ca_file", "parameters")):
            yield name, "is for asking an endpoint, and `token` is where the token is: remove one of them"
    else:
        for name in _ENDPOINT_FIELDS:
            if not getattr(oauth, name):
                yield name, "is needed to ask for a token: add it, or give `token: {file: PATH}` instead"
    if oauth.token_url:
        yield from _url_mistakes(oauth.token_url, own_ca=oauth.ca_file is not None)
    if _OURS & oauth.parameters.keys():
        yield "parameters", f"{', '.join(sorted(_OURS))} are set by us: remove them here"
    for name, value in oauth.extensions.items():
        if (
            not _EXTENSION_NAME.fullmatch(name)
            or name.lower() == "auth"
            or not _EXTENSION_VALUE.fullmatch(value)
        ):
            yield (
                "extensions",
                "names are letters only and not `auth`, values plain ASCII (RFC 7628): mend them",
            )
            return


def _login_mistakes(security: "KafkaSecurity") -> Iterator[Wrong]:
    if security.mechanism == "OAUTHBEARER":
        if security.oauth is None:
            yield "oauth", "OAUTHBEARER needs it: add `oauth: {token_url: …, client_id: …, client_secret: …}`"
        for name in given(security, ("username", "password")):
            yield name, "OAUTHBEARER does not use it: remove it"
        return
    login = f"{security.protocol} with {security.mechanism or 'PLAIN'}"
    if not security.username:
        yield "username", f"{login} needs it: add `username: …`"
    if security.password is None:
        yield "password", f"{login} needs it: add `password: {{env: NAME}}`"
    if security.oauth is not None:
        yield "oauth", f"{login} does not use it: set `mechanism: OAUTHBEARER`, or remove it"


def _url_mistakes(url: str, *, own_ca: bool) -> Iterator[Wrong]:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        yield "token_url", "must be https://host[:port][/path]"
    elif parts.username or parts.password or parts.fragment:
        yield "token_url", "must have no credentials and no fragment: use `client_id` and `client_secret`"
    elif parts.scheme == "http" and not _is_loopback(parts.hostname):
        yield "token_url", "would send the client's secret in the clear: use https"
    elif parts.scheme == "http" and own_ca:
        yield "ca_file", "is for TLS, and `token_url` has none: use https, or remove it"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
