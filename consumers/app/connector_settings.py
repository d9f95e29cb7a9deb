"""The section of one connector: which code, what its system can bear, and beside both the connector's own settings."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from consumers.adapters.connector_gate import CallLimits
from consumers.app.model_section import BreakerSettings
from consumers.app.section import Section


class ConnectorBreakerSettings(BreakerSettings):
    """When a system that fails is left alone, and for how long."""

    longest_open_s: float = Field(default=60.0, gt=0, le=86_400)
    """What the doubling ends at, and the longest wait that its `Retry-After` can ask for."""


class CallSettings(Section):
    """What a system can bear from one worker."""

    at_once: int | None = Field(default=None, gt=0, le=10_000)
    """Calls at once; `limits.connector_calls` where missing."""
    per_second: float | None = Field(default=None, gt=0, le=100_000)
    """Calls a second, on average; as many may come in a burst. No limit if missing."""
    breaker: ConnectorBreakerSettings = ConnectorBreakerSettings()

    def limits(self, at_once: int) -> CallLimits:
        """Return the same, as the gate takes it; `at_once` is what holds where the section does not say."""
        return CallLimits(self.at_once or at_once, self.per_second, self.breaker.limits)


class ConnectorSettings(BaseModel):
    """One connector: which code (`use` names an entry point), and its own settings beside it."""

    model_config = ConfigDict(extra="allow", frozen=True)

    use: str
    calls: CallSettings = CallSettings()

    @property
    def own(self) -> dict[str, Any]:
        """What is for the connector itself."""
        return dict(self.model_extra or {})
