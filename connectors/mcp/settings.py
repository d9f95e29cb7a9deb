"""The section of the configuration that describes one MCP server and which of its tools may be called."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from connectors.action import Effect
from connectors.described import DescribedAction
from connectors.egress import origin_of
from connectors.egress_setting import EgressList

_CLOSED = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
_Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]


class Variable(BaseModel):
    """One environment variable of the server's process; one of the two.

    Attributes:
        value: for everybody to read.
        secret: a reference to it.
    """

    model_config = _CLOSED

    value: str | None = None
    secret: SecretStr | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.value is None) == (self.secret is None):
            raise PydanticCustomError("variable", "give exactly one of value and secret")
        return self


class ServerSettings(BaseModel):
    """How to reach a server: by a command that starts it, or by its URL.

    Attributes:
        command: program and arguments; it speaks JSON-RPC on its standard input and output. No shell is involved.
        cwd: where it runs; the worker's folder by default.
        env: its environment variables, beside those of `connectors.mcp.child.INHERITED`.
        url: of a server that speaks streamable HTTP.
        token: sent to it as bearer token; looked up for each request.
        egress: what else it may connect to: addresses that are not on the internet; see `connectors.egress`.
        timeout_s: for one call, or one list of tools; a single call may shorten it.
        start_s: for a start and the handshake.
        max_bytes: a longer answer is refused, a list of tools included.
        recheck_s: how often the list of tools is compared with the pinned one where the server announces no change.
    """

    model_config = _CLOSED

    command: tuple[str, ...] = ()
    cwd: Path | None = None
    env: dict[_Variable, Variable] = Field(default_factory=dict)
    url: str | None = None
    token: SecretStr | None = None
    egress: EgressList = ()
    timeout_s: Annotated[float, Field(gt=0, le=300)] = 30.0
    start_s: Annotated[float, Field(gt=0, le=300)] = 30.0
    max_bytes: Annotated[int, Field(ge=1_024, le=100_000_000)] = 1 << 20
    recheck_s: Annotated[float, Field(ge=1, le=86_400)] = 300.0

    @field_validator("url")
    @classmethod
    def _is_plain(cls, value: str | None) -> str | None:
        try:
            _ = value is None or origin_of(value)
        except ValueError as error:
            said = str(error).replace("base_url", "url")
            raise PydanticCustomError("url", "{problem}", {"problem": said}) from None
        return value

    @model_validator(mode="after")
    def _is_one_transport(self) -> Self:
        if bool(self.command) == (self.url is not None):
            raise PydanticCustomError("transport", "give exactly one of command and url")
        if self.url is not None and (self.env or self.cwd is not None):
            raise PydanticCustomError("transport", "env and cwd are for a server that command starts")
        if self.url is None and (self.token is not None or self.egress):
            raise PydanticCustomError("transport", "token and egress are for a server with a url")
        return self


class FieldSettings(BaseModel):
    """One field of what an action returns.

    Attributes:
        at: where it is in the server's answer: member names with dots between them; its own name by default.
        type: what the schema says of it; no answer is refused for another one.
        pattern: of a text; a value that matches is an id and no free text (policy).
        description: for the model.
    """

    model_config = _CLOSED

    at: str | None = None
    type: Literal["string", "integer", "number", "boolean", "json"] = "json"
    pattern: str | None = None
    description: str | None = None

    @model_validator(mode="after")
    def _pattern_is_of_a_text(self) -> Self:
        if self.pattern is not None and self.type != "string":
            raise PydanticCustomError("pattern", "pattern goes with type: string")
        return self


class ToolSettings(DescribedAction):
    """One tool that may be called; what is not listed may not.

    Attributes:
        tool: the server's name of it.
        description: in place of the server's.
        arguments: descriptions of arguments, in place of the server's.
        fixed: arguments that are always sent so; the model neither sees nor sets them.
        effect: `read` or `write`; only a trusted server's hints say it otherwise.
        key_argument: the argument that carries the idempotency key; for `provider-key`.
        fields: what is kept of the answer, by the name that it gets; everything where it is None.
        errors: what an error of a write means: `in-doubt`, or `refused` where its author promises that nothing was done.
    """

    model_config = _CLOSED

    tool: str
    description: str | None = None
    arguments: dict[str, str] = Field(default_factory=dict)
    fixed: dict[str, JsonValue] = Field(default_factory=dict)
    effect: Effect | None = None
    key_argument: str | None = None
    fields: Annotated[dict[_Name, FieldSettings], Field(min_length=1)] | None = None
    errors: Literal["in-doubt", "refused"] = "in-doubt"

    @model_validator(mode="after")
    def _key_has_an_argument(self) -> Self:
        if (self.idempotency == "provider-key") != (self.key_argument is not None):
            raise PydanticCustomError("key", "key_argument and idempotency: provider-key go together")
        return self


class McpSettings(ServerSettings):
    """A section that uses `mcp`.

    Attributes:
        definitions: the pinned definitions of its tools, as `python -m connectors.mcp` writes them.
        trusted: whether the server's hints (`readOnlyHint`, `idempotentHint`) fill in what `tools` leaves out.
        tools: what may be called, by the verb it is called by.
    """

    definitions: Path
    trusted: bool = False
    tools: Annotated[dict[str, ToolSettings], Field(min_length=1)]
