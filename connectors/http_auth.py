"""How requests prove who sends them, as the configuration says it."""

from typing import Annotated, Final, Literal, Self

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

from connectors.egress import origin_of
from connectors.http_headers import HeaderName, check_header
from connectors.http_login import SecretLogin

Withheld = frozenset[tuple[str, str]]
"""Place and name, in lower case, of what is never an argument: the login's, the idempotency key's."""
CLOSED: Final = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Basic(BaseModel):
    """A user and a password.

    Attributes:
        user: without a colon.
        password: and its password.
    """

    model_config = CLOSED

    user: Annotated[str, StringConstraints(pattern=r"^[^:]+$")]
    password: SecretStr


class ApiKey(BaseModel):
    """A key that is sent as header, query parameter or cookie of a name.

    Attributes:
        place: `header`, `query` or `cookie`; written `in`, as in OpenAPI.
        name: of the header, query parameter or cookie.
        value: the key.
    """

    model_config = CLOSED

    place: Literal["header", "query", "cookie"] = Field("header", alias="in")
    name: HeaderName
    value: SecretStr

    @model_validator(mode="after")
    def _is_no_other_header(self) -> Self:
        if self.place == "header":
            check_header(self.name, but="authorization")
        return self


class ClientCredentials(BaseModel):
    """OAuth 2.0 client credentials (RFC 6749, section 4.4).

    Attributes:
        token_url: where tokens are had; its host counts as listed in `egress`, for that alone.
        client_id: who asks.
        client_secret: and proves it.
        scope: what for, or None.
        send_as: how id and secret are sent: as basic login, or in the body.
    """

    model_config = CLOSED

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
    """How requests prove who sends them; exactly one of these.

    Attributes:
        bearer: a token.
        basic: user and password.
        api_key: a key in header, query or cookie.
        oauth2_client_credentials: tokens that are fetched, and renewed.
    """

    model_config = CLOSED

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

    @property
    def withheld(self) -> Withheld:
        """What a document may describe as parameters, and the login sends."""
        return (
            frozenset()
            if self.api_key is None
            else frozenset(((self.api_key.place, self.api_key.name.lower()),))
        )

    def secret_login(self) -> SecretLogin | None:
        """Return the login for a secret that is sent as it is; None where a token is fetched with it."""
        if self.bearer is not None:
            return SecretLogin(self.bearer)
        if self.basic is not None:
            return SecretLogin(self.basic.password, "basic", self.basic.user)
        if self.api_key is not None:
            return SecretLogin(self.api_key.value, self.api_key.place, self.api_key.name)
        return None
