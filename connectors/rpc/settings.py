"""A section of the configuration that uses the kind `json-rpc` or `xml-rpc`."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from connectors.action import Effect
from connectors.described import DescribedAction
from connectors.http_settings import HttpSettings

_CLOSED = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
Database = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,63}$")]


class LoginSettings(BaseModel):
    """Whom to log in as.

    Attributes:
        user: the name; what this user may not do, no action can.
        password: of that user; in Odoo better an API key.
    """

    model_config = _CLOSED

    user: Annotated[str, Field(min_length=1)]
    password: SecretStr


class ReturnsSettings(BaseModel):
    """What the value that a method returns is called in the action's result, so that other actions can take it.

    Attributes:
        name: of the one field of the result.
        type: of the value.
        first: whether the method returns a list and its first member is meant. A read of an empty list then returns null.
    """

    model_config = _CLOSED

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    type: Literal["integer", "number", "string", "boolean", "object"]
    first: bool = False


class RpcAction(DescribedAction):
    """One method that may be called; what is not listed may not.

    Attributes:
        method: as the system names it: `model.party.party.search_read` in Tryton, `res.partner.search_read` in Odoo.
        description: one sentence for the model.
        effect: `read` or `write`.
        parameters: by position; `connectors.rpc.template` says what stands for arguments and for the key.
        keywords: by name; for Odoo, and for JSON-RPC systems that take names.
        arguments: JSON Schema of the action's arguments.
        returns: what the returned value is called; without it the result is the value itself.
        look_first: whether `reconcile` is asked before the write, at every attempt, and what it finds is the result. It
            makes a write that keeps the key (a reference, a note) a natural one.
    """

    model_config = _CLOSED

    method: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.]{0,199}$")]
    description: Annotated[str, Field(min_length=1)]
    effect: Effect
    parameters: list[Any] = Field(default_factory=list[Any])
    keywords: dict[str, Any] = Field(default_factory=dict[str, Any])
    arguments: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    returns: ReturnsSettings | None = None
    look_first: bool = False

    @model_validator(mode="after")
    def _looks_somewhere(self) -> Self:
        if self.look_first and (self.reconcile is None or self.effect == "read"):
            raise PydanticCustomError("look_first", "look_first is for a write with a reconcile")
        return self


class RpcSettings(HttpSettings):
    """A connector's section of the configuration.

    Attributes:
        dialect: the kind of system: `tryton`, `odoo`, or `plain` for one that knows no session.
        database: of Tryton and Odoo.
        login: of Tryton and Odoo.
        path: of a plain system, below `base_url`.
        token: sent as bearer token to a plain system.
        version: what `jsonrpc` says to a plain system; null leaves it out.
        actions: by verb.
    """

    dialect: Literal["plain", "tryton", "odoo"] = "plain"
    database: Database | None = None
    login: LoginSettings | None = None
    path: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~/-]*$")] = ""
    token: SecretStr | None = None
    version: Literal["2.0", "1.0"] | None = "2.0"
    actions: Annotated[dict[str, RpcAction], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits_the_dialect(self) -> Self:
        if self.dialect == "plain":
            if self.database is not None or self.login is not None:
                raise PydanticCustomError(
                    "dialect", "database and login are for the dialects tryton and odoo"
                )
        elif self.database is None or self.login is None:
            raise PydanticCustomError(
                "dialect", "the dialect {dialect} needs database and login", {"dialect": self.dialect}
            )
        elif self.token is not None or self.path:
            raise PydanticCustomError("dialect", "token and path are for the dialect plain")
        return self
