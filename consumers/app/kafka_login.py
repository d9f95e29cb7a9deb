"""From `kafka.security` to what aiokafka's clients take: a TLS context, a password, a source of tokens."""

from typing import Any, Final

from aiokafka.abc import AbstractTokenProvider

from consumers.adapters.kafka_mounted_token import MountedToken
from consumers.adapters.kafka_refused_tokens import see_refused_tokens
from consumers.adapters.kafka_renewed_token import RenewedToken
from consumers.adapters.tls_files import tls_context
from consumers.adapters.token_endpoint import TokenEndpoint
from consumers.app.config import KafkaOAuth, KafkaSecurity
from consumers.app.secrets import secret

_AT: Final = "kafka.security"
_OAUTH_AT: Final = f"{_AT}.oauth"


class Unshown(str):
    """A text that is sent, and that neither `repr` nor `str` nor a format shows."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'**********'"

    def __str__(self) -> str:
        return "**********"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


def security_options(security: KafkaSecurity) -> dict[str, Any]:
    """Return the options of aiokafka's clients. Files and secrets are read now; tokens, at each connection.

    Clients with the same options share one source of tokens, so build them once for each event loop.

    Raises:
        ConfigurationError: a secret or a file is missing or wrong.
    """
    options: dict[str, Any] = {"security_protocol": security.protocol}
    if security.protocol.endswith("SSL"):
        password = secret(security.key_password, f"{_AT}.key_password").get_secret_value()
        options["ssl_context"] = tls_context(
            _AT,
            ca_file=security.ca_file,
            cert_file=security.cert_file,
            key_file=security.key_file,
            key_password=password or None,
        )
    if security.protocol.startswith("SASL"):
        options["sasl_mechanism"] = security.mechanism or "PLAIN"
        if security.oauth is not None:
            see_refused_tokens()
            options["sasl_oauth_token_provider"] = _tokens(security.oauth)
        else:
            password = secret(security.password, f"{_AT}.password").get_secret_value()
            options["sasl_plain_username"] = security.username
            options["sasl_plain_password"] = Unshown(password)
    return options


def _tokens(oauth: KafkaOAuth) -> AbstractTokenProvider:
    if oauth.token is not None:
        return MountedToken(oauth.token.read, setting=f"{_OAUTH_AT}.token", extensions=oauth.extensions)
    # The model's validators hold.
    assert oauth.token_url is not None
    assert oauth.client_id is not None
    tls = None
    if oauth.token_url.startswith("https"):
        tls = tls_context(_OAUTH_AT, ca_file=oauth.ca_file)
    endpoint = TokenEndpoint(
        section=_OAUTH_AT,
        url=oauth.token_url,
        client_id=oauth.client_id,
        client_secret=secret(oauth.client_secret, f"{_OAUTH_AT}.client_secret"),
        client_auth=oauth.client_auth,
        scope=oauth.scope,
        parameters=oauth.parameters,
        tls=tls,
    )
    return RenewedToken(endpoint.fetch, extensions=oauth.extensions)
