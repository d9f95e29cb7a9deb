"""The section of the configuration that describes one SOAP service by its WSDL."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from connectors.action import Effect
from connectors.described import DescribedAction
from connectors.http_auth import Auth
from connectors.http_headers import HeaderName
from connectors.http_settings import HttpSettings

_CLOSED = ConfigDict(extra="forbid", frozen=True)
ArgumentPath = Annotated[str, StringConstraints(pattern=r"^[^.\s]+(\.[^.\s]+)*$", max_length=500)]
FaultName = Annotated[str, StringConstraints(pattern=r"^[^\s:]{1,200}$")]


class WsSecurity(BaseModel):
    """A UsernameToken in the envelope's header (WS-Security 1.0).

    Attributes:
        user: who calls.
        password: looked up for each call.
        digest: whether a digest with nonce and time is sent in place of the password.
    """

    model_config = _CLOSED

    user: Annotated[str, StringConstraints(min_length=1)]
    password: SecretStr
    digest: bool = False


class ArgumentSettings(BaseModel):
    """What the configuration says of one argument.

    Attributes:
        description: in place of the schema's.
        value: what is always sent; the model neither sees nor sets it.
        hidden: whether it is left out.
    """

    model_config = _CLOSED

    description: str | None = None
    value: Any = None
    hidden: bool = False


class OperationSettings(DescribedAction):
    """One operation that may be called; what is not listed may not.

    Attributes:
        operation: its name in the WSDL.
        service: where several services have it.
        port: where several ports do; else the one that speaks SOAP 1.1, then 1.2.
        effect: `read` or `write`; a WSDL does not say it.
        description: in place of the WSDL's documentation.
        key_element: dotted path of the element that carries the idempotency key; the model does not see it. A read that
            reconciles a write is called with the write's key.
        key_header: the HTTP header that carries it.
        inside: dotted path of the object whose members are the arguments, so that rules and other actions know them by name.
        arguments: by dotted path from the message, through lists as well.
        result: dotted path of the part of the reply that is the result; null where it is missing.
        result_fields: dotted paths of what the model sees of it, through lists as well; or a new name for each.
        refusals: faults after which surely nothing was executed, by detail element or code.
        busy: the same, and the call may be tried again later.
        absent: faults of a read that say that there is no such thing: the result is null.
    """

    model_config = _CLOSED

    operation: str
    service: str | None = None
    port: str | None = None
    effect: Effect
    description: str | None = None
    key_element: ArgumentPath | None = None
    key_header: HeaderName | None = None
    inside: ArgumentPath | None = None
    arguments: dict[ArgumentPath, ArgumentSettings] = Field(default_factory=dict)
    result: ArgumentPath | None = None
    result_fields: tuple[ArgumentPath, ...] | dict[str, ArgumentPath] | None = None
    refusals: frozenset[FaultName] = frozenset()
    busy: frozenset[FaultName] = frozenset()
    absent: frozenset[FaultName] = frozenset()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.idempotency == "provider-key" and self.key_element is None and self.key_header is None:
            raise PydanticCustomError("key", "idempotency: provider-key needs key_element or key_header")
        if self.effect == "write" and self.absent:
            raise PydanticCustomError("absent", "absent is for reads: a write has nothing to find")
        return self


class SoapSettings(HttpSettings):
    """A section that uses `soap`. `base_url` is the endpoint, whatever address the WSDL has.

    Attributes:
        wsdl: the file; what it imports lies beside it.
        auth: how calls prove who makes them, by HTTP; None sends nothing.
        ws_security: the same in the envelope, in place of `auth` or beside it.
        query: query parameters of each request, such as `sap-client`.
        reply_bytes: a longer reply is refused.
        operations: what may be called, by the verb it is called by.
    """

    wsdl: Path
    auth: Auth | None = None
    ws_security: WsSecurity | None = None
    query: dict[str, str] = Field(default_factory=dict)
    reply_bytes: Annotated[int, Field(ge=1024, le=8 * 1024 * 1024)] = 1024 * 1024
    operations: Annotated[dict[str, OperationSettings], Field(min_length=1)]
