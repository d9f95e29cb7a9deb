"""From the section `registry` of the configuration to where and how a registry is asked."""

import ssl
from typing import Final

from consumers.adapters.kafka_renewed_token import RenewedToken
from consumers.adapters.kafka_tokens import TokenError, is_token
from consumers.adapters.tls_files import tls_context
from consumers.adapters.token_endpoint import TokenEndpoint
from consumers.app.registry_section import Registry, RegistryOAuth
from consumers.app.secrets import secret
from consumers.app.section import SecretRef
from schemas.errors import RegistryError
from schemas.registry.rest import Authorization, Endpoint, basic

_AT: Final = "registry"
_OAUTH_AT: Final = f"{_AT}.oauth"


def endpoint_of(settings: Registry) -> Endpoint:
    """Return where and how the registry of a section with a `url` is asked. Files and secrets are read now; tokens, for each request.

    Raises:
        ConfigurationError: a secret or a file is missing or wrong.
    """
    return Endpoint(
        settings.urls,
        authorization=_authorization(settings),
        headers=settings.headers,
        tls=registry_tls(settings),
        timeout_s=settings.timeout_s,
        tries=settings.tries,
    )


def registry_tls(settings: Registry) -> ssl.SSLContext | None:
    """Return how TLS is spoken with the registry, or None where it is not.

    Raises:
        ConfigurationError: a secret or a file is missing or wrong.
    """
    if not any(url.startswith("https:") for url in settings.urls):
        return None
    password = secret(settings.key_password, f"{_AT}.key_password").get_secret_value()
    return tls_context(
        _AT,
        ca_file=settings.ca_file,
        cert_file=settings.cert_file,
        key_file=settings.key_file,
        key_password=password or None,
    )


def _authorization(settings: Registry) -> Authorization | None:
    if settings.oauth is not None:
        return _granted(settings.oauth)
    if settings.token is not None:
        return _mounted(settings.token)
    if settings.username is not None:
        return basic(settings.username, secret(settings.password, f"{_AT}.password").get_secret_value())
    return None


def _mounted(token: SecretRef) -> Authorization:
    secret(token, f"{_AT}.token")  # so that one that is missing is found at the start

    async def authorize() -> str:
        try:
            value = token.read().get_secret_value()
        except LookupError as error:
            raise RegistryError(f"{_AT}.token: {error}") from error
        if not is_token(value):
            raise RegistryError(f"{_AT}.token: what is there is no token (letters, digits and ._~+/-= only)")
        return f"Bearer {value}"

    return authorize


def _granted(oauth: RegistryOAuth) -> Authorization:
    https = oauth.token_url.startswith("https:")
    endpoint = TokenEndpoint(
        section=_OAUTH_AT,
        url=oauth.token_url,
        client_id=oauth.client_id,
        client_secret=secret(oauth.client_secret, f"{_OAUTH_AT}.client_secret"),
        client_auth=oauth.client_auth,
        scope=oauth.scope,
        parameters=oauth.parameters,
        tls=tls_context(_OAUTH_AT, ca_file=oauth.ca_file) if https else None,
    )
    tokens = RenewedToken(endpoint.fetch, extensions={})

    async def authorize() -> str:
        try:
            return f"Bearer {await tokens.token()}"
        except TokenError as error:
            raise RegistryError(str(error)) from error

    return authorize
