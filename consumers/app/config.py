"""The configuration file `pointsman.yaml`, as a model. Secrets are references: `{env: NAME}` or `{file: PATH}`.

`POINTSMAN_<SECTION>__<FIELD>` in the environment overrides the file, such as `POINTSMAN_KAFKA__BOOTSTRAP`.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from consumers.app.approval_settings import Approvals
from consumers.app.connector_settings import ConnectorSettings
from consumers.app.contradictions import refuse
from consumers.app.kafka_security_rules import oauth_mistakes, security_mistakes
from consumers.app.model_section import Model
from consumers.app.privacy_section import Privacy
from consumers.app.redis_settings import Redis
from consumers.app.registry_section import Registry
from consumers.app.route_settings import RouteSettings
from consumers.app.secret_settings import SecretsSettings
from consumers.app.section import SecretRef, Section
from consumers.app.topic_settings import TopicSettings
from schemas.topics import APPROVALS, DEAD_LETTERS, PARKED, STEPS


class KafkaOAuth(Section):
    """Where tokens for OAUTHBEARER come from: an endpoint that grants them to a client, or a secret."""

    token_url: str | None = None
    client_id: str | None = None
    client_secret: SecretRef | None = None
    client_auth: Literal["basic", "post"] = "basic"
    scope: str | None = None
    parameters: dict[str, str] = {}  # noqa: RUF012 - pydantic copies it
    ca_file: Path | None = None
    token: SecretRef | None = None
    extensions: dict[str, str] = {}  # noqa: RUF012 - the same

    @model_validator(mode="after")
    def _fits(self) -> "KafkaOAuth":
        refuse("KafkaOAuth", oauth_mistakes(self))
        return self


class KafkaSecurity(Section):
    """How to connect to a secured cluster."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = None
    username: str | None = None
    password: SecretRef | None = None
    oauth: KafkaOAuth | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    key_password: SecretRef | None = None

    @model_validator(mode="after")
    def _fits(self) -> "KafkaSecurity":
        refuse("KafkaSecurity", security_mistakes(self))
        return self


class Kafka(Section):
    """The broker and our place in it."""

    bootstrap: str = "127.0.0.1:9092"
    group: str = "pointsman"
    instance_id: str | None = None
    """Static membership (KIP-345): a restarted worker gets its partitions back without a rebalance."""
    steps_topic: str = STEPS.name
    approvals_topic: str = APPROVALS.name
    dead_letters_topic: str = DEAD_LETTERS.name
    parked_topic: str = PARKED.name
    delivery: Literal["at-least-once", "transactional"] = "at-least-once"
    dead_letter_headers: Literal["own", "connect", "spring"] = "own"
    auto_offset_reset: Literal["earliest", "latest"] = "earliest"
    session_timeout_s: float = Field(default=45.0, gt=0)
    batch_bytes: int = Field(default=8 * 1024 * 1024, ge=65_536)
    """What one compressed batch of records may unfold to."""
    security: KafkaSecurity = KafkaSecurity()


class Telemetry(Section):
    """Logs and the port for metrics and health."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    """0 takes a free one."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "text"] = "json"


class Limits(Section):
    """Bounds of one worker."""

    in_flight: int = Field(default=256, gt=0)
    partition_records: int = Field(default=1000, gt=0)
    partition_bytes: int = Field(default=16 * 1024 * 1024, gt=0)
    total_bytes: int = Field(default=64 * 1024 * 1024, gt=0)
    key_records: int = Field(default=500, gt=0)
    record_bytes: int = Field(default=1_048_576, gt=0)
    decode_s: float = Field(default=10.0, gt=0)
    """How long a record may be decoded in a cell, where records are tried that may have killed a worker."""
    decode_bytes: int = Field(default=256 * 1024 * 1024, ge=16 * 1024 * 1024)
    """How much memory the cell may take for it."""
    action_s: float = Field(default=30.0, gt=0)
    """How long one action may take."""
    undo_s: float = Field(default=600.0, gt=0)
    """How long unwinding a run goes on trying; what is not undone by then is reported."""
    tenant_usd_per_day: float | None = Field(default=None, gt=0)
    """What the model may cost a tenant a day (UTC), by `model.price`; its events wait then. No limit if missing"""
    connector_calls: int = Field(default=64, gt=0)
    """Calls that one connector may have at once, unless its `calls.at_once` says otherwise."""
    result_bytes: int = Field(default=65_536, ge=1024, le=524_288)
    """A longer result of a read is a failure; one of a write is left out of the journal, and the write is done."""
    result_depth: int = Field(default=64, gt=0, le=128)
    """Levels of objects and lists in a result; the same."""
    shutdown_s: float = Field(default=30.0, gt=0)
    retry_total_s: float = Field(default=900.0, gt=0)
    parked_keys: int = Field(default=10_000, gt=0)
    dead_letters_in_a_row: int = Field(default=100, gt=0)
    dead_letter_ratio: float = Field(default=0.5, gt=0, le=1)
    stalled_s: float = Field(default=600.0, gt=0)


class Config(BaseSettings):
    """The whole file."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix="POINTSMAN_",
        env_nested_delimiter="__",
        # What is wrong may be a secret that somebody wrote where its reference belongs.
        hide_input_in_errors=True,
    )

    kafka: Kafka = Kafka()
    redis: Redis = Redis()
    registry: Registry = Registry()
    model: Model | None = None
    secrets: SecretsSettings = SecretsSettings()
    privacy: Privacy = Privacy()
    connectors: dict[str, ConnectorSettings]
    topics: dict[str, TopicSettings] = {}
    routes: Annotated[tuple[RouteSettings, ...], Field(min_length=1)]
    approvals: Approvals = Approvals()
    telemetry: Telemetry = Telemetry()
    limits: Limits = Limits()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, which arrives as init arguments."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings
