"""The section `model` of the configuration: deployments of language models, in order of preference."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from connectors.breaker import BreakerLimits
from consumers.adapters.openai_settings import ModelSettings, Price
from consumers.app.section import SecretRef, Section

_OF_THE_SECTION = frozenset({"api_key", "fallbacks", "breaker"})
"""Fields that are not the adapter's, or not as they stand here."""


class BreakerSettings(Section):
    """When a deployment that fails is left alone, and for how long. Each has a breaker of its own."""

    in_a_row: int = Field(default=5, gt=0)
    rate: float = Field(default=0.5, gt=0, le=1)
    window: int = Field(default=20, gt=0, le=1000)
    open_s: float = Field(default=5.0, gt=0, le=3600)
    longest_open_s: float = Field(default=300.0, gt=0, le=86_400)

    @property
    def limits(self) -> BreakerLimits:
        """The same, as a breaker takes it."""
        return BreakerLimits(**self.model_dump())


class Fallback(Section):
    """A further deployment. What it leaves out is as for the first, but for its label, its price and, at another host, its key."""

    base_url: str | None = None
    name: str | None = None
    label: str | None = None
    api: Literal["chat", "responses"] | None = None
    api_key: SecretRef | None = None
    timeout_s: float | None = None
    connect_timeout_s: float | None = None
    retries: int | None = None
    longest_pause_s: float | None = None
    price: Price | None = None
    price_ceiling: Price | None = None
    temperature: float | None = None
    tool_choice: Literal["auto", "required"] | None = None
    parallel_tool_calls: bool | None = None
    output_limit_field: Literal["max_completion_tokens", "max_tokens"] | None = None
    max_concurrency: int | None = None


class Model(Section):
    """The language model: any OpenAI-compatible endpoint. See `ModelSettings` for what each field means."""

    base_url: str
    name: str
    label: str | None = None
    api: Literal["chat", "responses"] = "chat"
    api_key: SecretRef | None = None
    timeout_s: float = 60.0
    connect_timeout_s: float = 5.0
    retries: int = 2
    longest_pause_s: float = 10.0
    price: Price | None = None
    price_ceiling: Price = Price(input_per_m=30.0, output_per_m=120.0)
    temperature: float | None = None
    tool_choice: Literal["auto", "required"] = "required"
    parallel_tool_calls: bool | None = True
    output_limit_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    max_concurrency: int = 64
    breaker: BreakerSettings = BreakerSettings()
    fallbacks: Annotated[tuple[Fallback, ...], Field(max_length=8)] = ()

    @model_validator(mode="after")
    def _fits(self) -> "Model":
        self.settings(SecretStr("none"))
        wrong = list(self._mistakes())
        if wrong:
            raise ValidationError.from_exception_data("Model", wrong, hide_input=True)
        return self

    @property
    def called(self) -> str:
        """What logs, metrics and decisions call it."""
        return self.label or self.name

    def deployments(self) -> tuple["Model", ...]:
        """Return the first and each fallback, whole, in order of preference."""
        return (self, *(self._completed(fallback) for fallback in self.fallbacks))

    def settings(self, api_key: SecretStr) -> ModelSettings:
        """Return the adapter's settings, key included, of the first deployment."""
        own = self.model_dump(exclude=set(_OF_THE_SECTION) | {"label"})
        return ModelSettings(api_key=api_key, label=self.called, **own)

    def _completed(self, fallback: Fallback) -> "Model":
        # The label names one deployment. The price is the other model's, or another host's, and an unknown one counts at the
        # ceiling. A key is for the host that it was made for.
        mine: dict[str, Any] = {name: getattr(self, name) for name in type(self).model_fields}
        theirs: dict[str, Any] = {name: getattr(fallback, name) for name in fallback.model_fields_set}
        whole: dict[str, Any] = {**mine, "label": None, "price": None, "fallbacks": (), **theirs}
        if "api_key" not in theirs and _origin(whole["base_url"]) != _origin(self.base_url):
            whole["api_key"] = None
        return Model.model_validate(whole)

    def _mistakes(self) -> Iterator[InitErrorDetails]:
        seen = {self.called}
        for number, fallback in enumerate(self.fallbacks):
            at = ("fallbacks", number)
            try:
                made = self._completed(fallback)
            except ValidationError as error:
                yield from (_wrong((*at, *each["loc"]), each["msg"]) for each in error.errors())
                continue
            if made.called in seen:
                taken = (
                    f"another deployment is called {made.called} already: give this one a `label` of its own"
                )
                yield _wrong((*at, "label"), taken)
            seen.add(made.called)


def _wrong(at: tuple[str | int, ...], problem: str) -> InitErrorDetails:
    kind = PydanticCustomError("deployment", "{problem}", {"problem": problem})
    return InitErrorDetails(type=kind, loc=at, input=None)


def _origin(base_url: object) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(base_url if isinstance(base_url, str) else "")
        port = parts.port
    except ValueError:  # what is no URL is refused elsewhere, and shares nothing with one
        return "", None, None
    return parts.scheme, parts.hostname, port or {"http": 80, "https": 443}.get(parts.scheme)
