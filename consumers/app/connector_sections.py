"""The section `connectors`: each named connector found or built, its settings validated, its secrets fetched when they are used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from connectors.connector import Connector
from connectors.discovery import DiscoveryError, load_connectors
from connectors.kind import Kind, Place, SettingsError
from connectors.signature import DefinitionError
from consumers.adapters.connector_gate import CallLimits
from consumers.adapters.tls_files import TlsFileError
from consumers.adapters.vault import Vault
from consumers.app.config_file import ConfigFile, Mistake
from consumers.app.connector_secrets import with_secrets
from consumers.app.connector_settings import ConnectorSettings
from consumers.app.secret_settings import connector_secret


@dataclass(frozen=True, slots=True)
class OpenableConnector:
    """A connector with its settings, secrets included, and what its system can bear; not opened yet."""

    connector: Connector[Any]
    settings: BaseModel
    calls: CallLimits


def resolve_connectors(file: ConfigFile) -> tuple[list[OpenableConnector], list[Mistake]]:
    """Return the connectors of a configuration, and what is wrong with any of them."""
    mistakes: list[Mistake] = []
    vault = _vault(file, mistakes)
    sections = [_Section(file, name, vault, mistakes) for name in file.config.connectors]
    return [found for section in sections if (found := section.resolved())], mistakes


@dataclass(frozen=True, slots=True)
class _Section:
    """One section, read; what is wrong is added to `mistakes`."""

    file: ConfigFile
    name: str
    vault: Vault | None
    mistakes: list[Mistake] = field(repr=False)

    def resolved(self) -> OpenableConnector | None:
        settings: ConnectorSettings = self.file.config.connectors[self.name]
        try:
            (loaded,) = load_connectors([settings.use])
        except DiscoveryError as error:
            self.mistakes.append(Mistake(self._where("use"), str(error)))
            return None
        if isinstance(loaded, Connector) and loaded.name != self.name:
            message = f"connectors.{self.name}: {settings.use} calls itself {loaded.name}"
            hint = f"rename the section to `{loaded.name}`: its actions are called `{loaded.name}.…`"
            self.mistakes.append(Mistake(self._where(), message, hint))
            return None
        try:
            own = loaded.settings.model_validate(self._values(loaded.settings, settings.own))
        except ValidationError as error:
            for each in error.errors(include_input=False):
                self._complain(each["loc"], each["msg"])
            return None
        connector = self._built(loaded, own) if isinstance(loaded, Kind) else loaded
        return connector and OpenableConnector(
            connector, own, settings.calls.limits(self.file.config.limits.connector_calls)
        )

    def _built(self, kind: Kind[Any], settings: BaseModel) -> Connector[Any] | None:
        try:
            return kind.build(self.name, settings)
        except SettingsError as error:
            for each in error.mistakes:
                self._complain(each.at, each.message, each.hint)
        except DefinitionError as error:
            self._complain((), str(error))
        return None

    def _values(self, model: type[BaseModel], given: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a model gets for the values of the file: for each secret what fetches it."""
        if "egress" in given and "egress" not in model.model_fields:
            # Left to a model that ignores what it does not know, it would protect nothing.
            told = "is no setting of this connector; it must derive its settings from HttpSettings"
            self._complain(("egress",), told)
        secrets = self.file.config.secrets
        return with_secrets(
            model, given, lambda value: connector_secret(value, secrets, self.vault), self._complain
        )

    def _complain(self, at: Place, message: str, hint: str = "") -> None:
        place = ".".join(map(str, ("connectors", self.name, *at)))
        self.mistakes.append(Mistake(self._where(*at), f"{place}: {message}", hint))

    def _where(self, *at: str | int) -> str:
        return self.file.where("connectors", self.name, *at)


def _vault(file: ConfigFile, mistakes: list[Mistake]) -> Vault | None:
    settings = file.config.secrets.vault
    try:
        return None if settings is None else settings.open()
    except TlsFileError as error:
        where = file.where(*error.setting.split("."))
        mistakes.append(Mistake(where, f"{error.setting}: {error.problem}", error.fix))
    return None
