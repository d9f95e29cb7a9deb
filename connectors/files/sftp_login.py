"""Where an SFTP server is, how it proves itself to us, and how we prove ourselves to it."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from connectors.egress import Egress, egress_of_host
from connectors.egress_setting import EgressList, refuse_wrong_host


class SftpLogin(BaseModel):
    """An SFTP server.

    Attributes:
        host: a name or an address.
        port: of SSH.
        user: whom to log in as.
        key: our private key in OpenSSH's or PEM form, without passphrase.
        password: our password, where the server takes no key.
        host_key: the server's public key as `ssh-keyscan` prints it without the host, such as `ssh-ed25519 AAAA…`; several, one
            a line, while it is changed.
        known_hosts: a file in OpenSSH's form that has the server's key, or a certificate authority that signs it.
        root: the folder on the server that all others are below; where the login starts by default.
        egress: addresses and networks that the host may resolve to although they are not on the internet.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    host: str
    port: Annotated[int, Field(ge=1, le=65_535)] = 22
    user: Annotated[str, Field(min_length=1, max_length=256)]
    key: SecretStr | None = None
    password: SecretStr | None = None
    host_key: Annotated[str, Field(min_length=1, max_length=20_000)] | None = None
    known_hosts: Path | None = None
    root: Annotated[str, Field(min_length=1, max_length=1000)] = "."
    egress: EgressList = ()

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.key is None) == (self.password is None):
            raise PydanticCustomError("login", "needs either `key` or `password`")
        if (self.host_key is None) == (self.known_hosts is None):
            raise PydanticCustomError(
                "host_key", "needs either `host_key` or `known_hosts`: no server is trusted unseen"
            )
        refuse_wrong_host(self.allowed)
        return self

    def allowed(self) -> Egress:
        """Return where connections may go.

        Raises:
            ValueError: the host is neither a name nor an address.
        """
        return egress_of_host(self.host, self.port, self.egress)
