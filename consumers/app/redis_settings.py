"""The section `redis` of the configuration: one server, the primary that sentinels name, or a cluster."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from consumers.app.contradictions import certificate_mistakes, refuse
from consumers.app.redis_rules import redis_mistakes, sentinel_mistakes
from consumers.app.section import SecretRef, Section


class RedisTls(Section):
    """Whom we trust, and who we are. Empty (`tls: {}`) is TLS with whom the system trusts."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    key_password: SecretRef | None = None

    @model_validator(mode="after")
    def _fits(self) -> "RedisTls":
        refuse("RedisTls", certificate_mistakes(self))
        return self


class RedisSentinel(Section):
    """Whom to ask for the primary."""

    service: str = Field(min_length=1)
    nodes: Annotated[tuple[str, ...], Field(min_length=1)]
    database: int = Field(default=0, ge=0)
    username: str | None = None
    password: SecretRef | None = None

    @model_validator(mode="after")
    def _fits(self) -> "RedisSentinel":
        refuse("RedisSentinel", sentinel_mistakes(self))
        return self


class Redis(Section):
    """Where sessions live."""

    url: str = "redis://127.0.0.1:6379/0"
    username: str | None = None
    password: SecretRef | None = None
    cluster: bool = False
    nodes: tuple[str, ...] = ()
    sentinel: RedisSentinel | None = None
    tls: RedisTls | None = None
    durability: Literal["required", "relaxed"] = "required"
    rebuild: Literal["auto", "off"] = "auto"
    lease_s: float = Field(default=30.0, gt=0)
    ttl_days: float = Field(default=7.0, gt=0)

    @model_validator(mode="after")
    def _fits(self) -> "Redis":
        refuse("Redis", redis_mistakes(self))
        return self
