"""A kind of connector: its actions are not coded but described by a section of the configuration.

openapi = Kind("Operations of an OpenAPI document.", settings=OpenApiSettings, build=build_openapi)

An entry point of the group `pointsman.connectors` names a connector or a kind. A section that uses a kind gives its connector
the section's own name, so that several sections may use one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from connectors.connector import Connector

KindSettings = TypeVar("KindSettings", bound=BaseModel)

Place = tuple[str | int, ...]
"""Where something stands in the settings, such as `("operations", 3, "id")`."""


@dataclass(frozen=True, slots=True)
class SettingsMistake:
    """One thing that is wrong with the settings of a kind.

    Attributes:
        at: where.
        message: what, without a value that may be a secret.
        hint: what to write instead, or an empty string.
    """

    at: Place
    message: str
    hint: str = ""


class SettingsError(Exception):
    """A connector cannot be built from these settings; says everything that is wrong with them."""

    def __init__(self, mistakes: Sequence[SettingsMistake]) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, m.at))}: {m.message}" for m in mistakes))
        self.mistakes = tuple(mistakes)


@dataclass(frozen=True, slots=True)
class Kind(Generic[KindSettings]):
    """How a connector is made of its section of the configuration.

    Attributes:
        description: one sentence for people.
        settings: pydantic model of a section; secrets are `SecretStr`, at any depth. Unknown fields should be refused.
        build: `build(name, settings)` returns the connector of that name, whose own `settings` is this model. It may read
            files that the settings name, and connects nowhere. Raises SettingsError, or DefinitionError where an
            action cannot be declared.
    """

    description: str
    settings: type[KindSettings]
    build: Callable[[str, KindSettings], Connector[Any]]
