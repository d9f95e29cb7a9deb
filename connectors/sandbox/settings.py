"""What both sandbox connectors need to know, and how they open their client."""

from contextlib import AbstractAsyncContextManager

from pydantic import SecretStr

from connectors.http import HttpClient, open_http
from connectors.http_settings import HttpSettings


class SandboxSettings(HttpSettings):
    """A connector's section of the configuration.

    Attributes:
        token: the sandbox's bearer token.
    """

    token: SecretStr


def open_sandbox(settings: SandboxSettings) -> AbstractAsyncContextManager[HttpClient]:
    """Return the client that the sandbox's actions call with."""
    return open_http(
        settings.base_url, token=settings.token, egress=settings.egress, timeout_s=settings.timeout_s
    )
