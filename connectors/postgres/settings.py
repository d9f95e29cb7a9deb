"""A section of the kind `postgres`."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, SecretStr, model_validator

from connectors.egress import Egress, egress_of_host
from connectors.egress_setting import EgressList, refuse_wrong_host
from connectors.sql.settings import SqlSettings


class PostgresSettings(SqlSettings):
    """Where the database is, as whom to log in, and what can be done there.

    Attributes:
        host: name or address.
        port: of the server.
        egress: addresses and networks that the host may resolve to although they are not on the internet.
        database: its name.
        user: the role that logs in; give it no more than the statements need.
        password: of that role, or None where it has none (a certificate of the network, `trust`).
        tls: `verify-full` checks that the certificate is the host's; `off` sends everything in clear.
        tls_ca: file of the authorities that may have signed it; the system's by default.
        connections: most connections at once.
        connect_s: how long a connection may take, waiting for a free one included.
        lock_s: how long a statement waits for somebody else's lock.
        ledger: the table in which writes record their key, with its schema.
        select_role: role that the free SELECT runs as (`SET LOCAL ROLE`), which may only read.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str
    port: Annotated[int, Field(ge=1, le=65_535)] = 5432
    egress: EgressList = ()
    database: Annotated[str, Field(min_length=1)]
    user: Annotated[str, Field(min_length=1)]
    password: SecretStr | None = None
    tls: Literal["verify-full", "off"] = "verify-full"
    tls_ca: Path | None = None
    connections: Annotated[int, Field(ge=1, le=100)] = 5
    connect_s: Annotated[float, Field(gt=0, le=60)] = 5.0
    lock_s: Annotated[float, Field(gt=0, le=60)] = 3.0
    ledger: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$")] = "public.pointsman_ledger"
    select_role: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")] | None = None

    @model_validator(mode="after")
    def _has_a_host(self) -> Self:
        refuse_wrong_host(self.allowed)
        return self

    def allowed(self) -> Egress:
        """Return where connections may go.

        Raises:
            ValueError: the host is neither a name nor an address.
        """
        return egress_of_host(self.host, self.port, self.egress)
