"""What both sandbox connectors need to know, and how they open their client."""

from contextlib import AbstractAsyncContextManager
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from connectors.http import HttpClient, open_http


class SandboxSettings(BaseModel):
    """A connector's section of the configuration.

    Attributes:
        base_url: where the sandbox listens.
        token: its bearer token.
        timeout_s: for one request.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str
    token: SecretStr
    timeout_s: Annotated[float, Field(gt=0, le=300)] = 10.0


def open_sandbox(settings: SandboxSettings) -> AbstractAsyncContextManager[HttpClient]:
    """Return the client that the sandbox's actions call with."""
    return open_http(settings.base_url, token=settings.token, timeout_s=settings.timeout_s)
