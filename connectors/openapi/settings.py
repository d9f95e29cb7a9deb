"""The section of the configuration that describes one system by its OpenAPI document."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from connectors.action import Effect, UndoByState
from connectors.egress import origin_of
from connectors.http_settings import HttpSettings

_CLOSED = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, populate_by_name=True)
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_|~-]{1,100}$")]


class Basic(BaseModel):
    """A user and a password."""

    model_config = _CLOSED

    user: Annotated[str, StringConstraints(pattern=r"^[^:]+$")]
    password: SecretStr


class ApiKey(BaseModel):
    """A key that is sent as header, query parameter or cookie of a name."""

    model_config = _CLOSED

    place: Literal["header", "query", "cookie"] = Field("header", alias="in")
    name: HeaderName
    value: SecretStr


class ClientCredentials(BaseModel):
    """OAuth 2.0 client credentials (RFC 6749, section 4.4).

    Attributes:
        token_url: where tokens are had; its host counts as listed in `egress`.
        client_id: who asks.
        client_secret: and proves it.
        scope: what for, or None.
        send_as: how id and secret are sent: as basic login, or in the body.
    """

    model_config = _CLOSED

    token_url: str
    client_id: str
    client_secret: SecretStr
    scope: str | None = None
    send_as: Literal["basic", "body"] = "basic"

    @field_validator("token_url")
    @classmethod
    def _is_url(cls, value: str) -> str:
        try:
            origin_of(value)
        except ValueError as error:
            said = str(error).replace("base_url", "token_url")
            raise PydanticCustomError("token_url", "{problem}", {"problem": said}) from None
        return value


class Auth(BaseModel):
    """How requests prove who sends them; one of these."""

    model_config = _CLOSED

    bearer: SecretStr | None = None
    basic: Basic | None = None
    api_key: ApiKey | None = None
    oauth2_client_credentials: ClientCredentials | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        given = (self.bearer, self.basic, self.api_key, self.oauth2_client_credentials)
        if sum(each is not None for each in given) != 1:
            raise PydanticCustomError(
                "auth", "give exactly one of bearer, basic, api_key and oauth2_client_credentials"
            )
        return self


class ArgumentSettings(BaseModel):
    """What the configuration says of one argument.

    Attributes:
        name: what the model, rules and other actions call it.
        description: in place of the document's.
        value: what is always sent; the model neither sees nor sets it.
        hidden: whether it is left out.
    """

    model_config = _CLOSED

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")] | None = None
    description: str | None = None
    value: Any = None
    hidden: bool = False


class OperationSettings(BaseModel):
    """One operation that may be called; what is not listed may not.

    Attributes:
        id: its `operationId`, or method and path as `GET /orders/{id}`.
        effect: `read` or `write`; only a GET is a read without saying so.
        description: in place of the document's.
        idempotency: how a write is kept from happening twice.
        key_header: the header that carries the idempotency key; for `provider-key`.
        window: how long the system honours it.
        compensate: full name of the action that undoes this one, or a state's read and the action for each state.
        reconcile: full name of the read that finds out whether it took effect.
        protected: arguments that must match a trusted value.
        outward: whether it reaches people or systems outside.
        constraints: rules in words.
        examples: example arguments.
        arguments: by the name that the import gave them.
        result_fields: dotted paths of what the model sees of the answer, through lists as well; or a new name for each.
    """

    model_config = _CLOSED

    id: str
    effect: Effect | None = None
    description: str | None = None
    idempotency: Literal["none", "provider-key", "natural"] = "none"
    key_header: HeaderName | None = None
    window: str | None = None
    compensate: str | UndoByState | None = None
    reconcile: str | None = None
    protected: frozenset[str] = frozenset()
    outward: bool = False
    constraints: tuple[str, ...] = ()
    examples: tuple[dict[str, Any], ...] = ()
    arguments: dict[str, ArgumentSettings] = Field(default_factory=dict)
    result_fields: tuple[str, ...] | dict[str, str] | None = None

    @model_validator(mode="after")
    def _key_has_a_header(self) -> Self:
        if (self.idempotency == "provider-key") != (self.key_header is not None):
            raise PydanticCustomError("key", "key_header and idempotency: provider-key go together")
        return self


class OpenApiSettings(HttpSettings):
    """A section that uses `openapi`.

    Attributes:
        document: JSON or YAML, relative to where the worker starts.
        auth: how requests prove who sends them; None sends none.
        operations: what may be called, by the verb it is called by.
    """

    document: Path
    auth: Auth | None = None
    operations: Annotated[dict[str, OperationSettings], Field(min_length=1)]
