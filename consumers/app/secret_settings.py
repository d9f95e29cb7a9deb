"""The section `secrets` of the configuration, and references to secrets that are fetched when a connector needs them."""

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from connectors.secret import Secret
from consumers.adapters.read_secret import ReadSecret
from consumers.adapters.tls_files import tls_context
from consumers.adapters.vault import Vault, VaultSecret
from consumers.app.contradictions import Wrong, refuse
from consumers.app.section import SecretRef, Section

_PATH: Final = re.compile(r"[A-Za-z0-9_.~-]+(?:/[A-Za-z0-9_.~-]+)*")


class VaultSettings(Section):
    """A HashiCorp Vault or OpenBao: engine KV, version 2."""

    url: str
    token: SecretRef
    mount: str | None = None
    ca_file: Path | None = None
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 5.0
    ttl_s: Annotated[float, Field(ge=1, le=86_400)] = 60.0

    @model_validator(mode="after")
    def _fits(self) -> "VaultSettings":
        refuse("VaultSettings", _mistakes(self))
        return self

    def open(self) -> Vault:
        """Return it; nothing is asked yet.

        Raises:
            TlsFileError: `ca_file` cannot be used.
        """
        https = self.url.startswith("https:")
        return Vault(
            self.url,
            self.token.read,
            mount=self.mount,
            tls=tls_context("secrets.vault", ca_file=self.ca_file) if https else None,
            timeout_s=self.timeout_s,
            ttl_s=self.ttl_s,
        )


class SecretsSettings(Section):
    """Where connectors' secrets may be beside the environment and files."""

    vault: VaultSettings | None = None


class ConnectorSecretRef(SecretRef):
    """Where a connector's secret is: an environment variable, a file, or a field of a secret in the vault."""

    vault: str | None = None
    field: str | None = None

    @model_validator(mode="after")
    def _one(self) -> "ConnectorSecretRef":
        given = [name for name in ("env", "file", "vault") if getattr(self, name) is not None]
        if len(given) != 1:
            raise PydanticCustomError("secret", "give exactly one of `env`, `file` and `vault`")
        if (self.vault is None) != (self.field is None):
            raise PydanticCustomError(
                "secret", "`vault` and `field` go together: `{vault: kv/erp, field: token}`"
            )
        if self.vault is not None and not _is_path(self.vault):
            raise PydanticCustomError("secret", "`vault` is the path of a secret, such as `kv/erp`")
        return self

    def secret(self, vault: Vault | None) -> Secret:
        """Return what fetches it. An environment variable and a file must be there already; a vault is not asked.

        Raises:
            LookupError: it is not there, or there is no vault; the message names where it was looked for.
        """
        if self.vault is None or self.field is None:
            self.read()
            where = f"{{env: {self.env}}}" if self.env is not None else f"{{file: {self.file}}}"
            return Secret(ReadSecret(where, self.read))
        if vault is None:
            raise LookupError(
                "is in a vault, and none can be asked: set `secrets: {vault: {url: …, token: …}}`"
            )
        return Secret(VaultSecret(vault, self.vault, self.field))


def connector_secret(value: Any, settings: SecretsSettings, vault: Vault | None) -> Secret:
    """Return the secret that a value of the configuration refers to.

    Args:
        value: what the file has there.
        settings: the section `secrets`.
        vault: the one of that section, if it is there and can be used.

    Raises:
        LookupError: it is no reference, or what it refers to is not there.
    """
    try:
        reference = ConnectorSecretRef.model_validate(value)
    except ValidationError as error:
        own = next((each["msg"] for each in error.errors() if each["type"] == "secret"), None)
        raise LookupError(own or "is a secret: write `{env: NAME}` or `{file: PATH}`") from None
    problem = _other_mount(reference.vault, settings)
    if problem:
        raise LookupError(problem)
    return reference.secret(vault)


def _other_mount(path: str | None, settings: SecretsSettings) -> str | None:
    needs_mount = path is not None and settings.vault is not None and settings.vault.mount is None
    if needs_mount and "/" not in (path or ""):
        return f"the path `{path}` names no mount: write `kv/{path}`, or set `secrets.vault.mount`"
    return None


def _is_path(text: str) -> bool:
    return bool(_PATH.fullmatch(text)) and {".", ".."}.isdisjoint(text.split("/"))


def _mistakes(settings: VaultSettings) -> list[Wrong]:
    parts = urlsplit(settings.url)
    wrong: list[Wrong] = []
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        wrong.append(("url", "must be https://host[:port]"))
    elif parts.username or parts.password or parts.query or parts.fragment:
        wrong.append(("url", "must have no credentials, query or fragment: the token goes into `token`"))
    elif parts.scheme == "http" and not _is_loopback(parts.hostname):
        wrong.append(("url", "would send secrets in the clear: use https"))
    elif parts.scheme == "http" and settings.ca_file is not None:
        wrong.append(("ca_file", "is for TLS, and `url` has none: use https, or remove it"))
    if settings.mount is not None and not _is_path(settings.mount):
        wrong.append(("mount", "is the path of an engine, such as `kv`"))
    return wrong


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
