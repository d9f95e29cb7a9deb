"""Settings of one model behind an OpenAI-compatible endpoint."""

from ipaddress import ip_address
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

_Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Seconds = Annotated[float, Field(gt=0, le=3600)]


class Price(BaseModel):
    """US dollars for a million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_per_m: _Amount
    output_per_m: _Amount

    def of(self, input_tokens: int, output_tokens: int) -> float:
        """Return what these tokens cost in US dollars; cached tokens count in full."""
        return (input_tokens * self.input_per_m + output_tokens * self.output_per_m) / 1_000_000


class ModelSettings(BaseModel):
    """Where a model is, how it is asked and what it costs.

    Attributes:
        base_url: up to and with `/v1`; no credentials, query or fragment.
        api_key: sent as bearer token; endpoints without keys ignore it.
        name: what the endpoint calls the model.
        label: what logs, metrics and decisions call this deployment; its name where missing.
        api: `chat` for chat completions, which every compatible endpoint has; `responses` for the Responses API.
        timeout_s: for one reply: waiting for a slot, all tries and the pauses between them.
        connect_timeout_s: for one connection.
        retries: further tries after the first, while `timeout_s` lasts.
        longest_pause_s: between two tries; if the endpoint asks for more, the event waits instead.
        price: of this model; None where nobody knows it.
        price_ceiling: counted where the price is unknown, so that a budget of money always holds.
        temperature: None leaves it to the endpoint.
        tool_choice: `required` makes the model call a tool, which small models need.
        parallel_tool_calls: None does not send it, for endpoints that refuse the field.
        output_limit_field: how `chat` names the limit of output tokens; old endpoints know `max_tokens`.
        max_concurrency: requests at once; further ones wait within `timeout_s`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = "https://api.openai.com/v1"
    api_key: SecretStr = SecretStr("none")
    name: str = Field(min_length=1)
    label: str = Field(default="", max_length=100)
    api: Literal["chat", "responses"] = "chat"
    timeout_s: _Seconds = 60.0
    connect_timeout_s: _Seconds = 5.0
    retries: int = Field(default=2, ge=0, le=10)
    longest_pause_s: _Seconds = 10.0
    price: Price | None = None
    price_ceiling: Price = Price(input_per_m=30.0, output_per_m=120.0)
    temperature: float | None = Field(default=None, ge=0, le=2)
    tool_choice: Literal["auto", "required"] = "auto"
    parallel_tool_calls: bool | None = True
    output_limit_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    max_concurrency: int = Field(default=64, ge=1, le=4096)

    @field_validator("base_url")
    @classmethod
    def _plain_url(cls, value: str) -> str:
        parts = urlsplit(value)
        # The message must not repeat the value: what is wrong with it may be a password.
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be http(s)://host[:port][/path]")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("must have no credentials, query or fragment; the key goes into api_key")
        return value.rstrip("/")

    @property
    def called(self) -> str:
        """What logs, metrics and decisions call it."""
        return self.label or self.name

    @property
    def is_loopback(self) -> bool:
        """Whether the endpoint is on this machine, by its address; names other than localhost do not count."""
        host = urlsplit(self.base_url).hostname or ""
        try:
            return host == "localhost" or ip_address(host).is_loopback
        except ValueError:
            return False

    def cost_usd(self, input_tokens: int, output_tokens: int) -> float:
        """Return what these tokens cost: by the price, or by the ceiling where it is unknown."""
        return (self.price or self.price_ceiling).of(input_tokens, output_tokens)
