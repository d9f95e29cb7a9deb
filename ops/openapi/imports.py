"""What comes of one document: as a section that lists some operations, and with all of its operations."""

import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from connectors.connector import Connector
from connectors.http import HttpClient
from connectors.kind import SettingsError
from connectors.openapi.api import Api
from connectors.openapi.declared import declare_operation
from connectors.openapi.document import DocumentError, read_document
from connectors.openapi.kind import build_openapi, open_openapi
from connectors.openapi.operations import METHODS, names
from connectors.openapi.references import JsonObject, OperationError
from connectors.openapi.settings import OpenApiSettings, OperationSettings
from connectors.plain_schema import JsonSchemaError
from connectors.signature import DefinitionError
from connectors.testing import check_tools

SECTION: Final = 20
"""Operations that the timed section lists: more than a model is shown at once."""
_TRIES: Final = 2
"""Times that a section is built; the better one counts, since other programs run on the machine as well."""


@dataclass
class Imported:
    """One document.

    Attributes:
        name: its place in the directory.
        operations: how many it has.
        accepted: those that became an action whose tool schema is strict.
        refused: for each other one its reason.
        examples: for each reason the first message.
        unreadable: why the document is refused as a whole, or an empty string.
        crashed: errors that are neither.
        section_s: CPU seconds of building a section of SECTION operations, reading the document included; the better of two.
        whole_s: CPU seconds of reading it and declaring all operations.
        slowest_s: CPU seconds of the operation that took longest.
    """

    name: str
    operations: int = 0
    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])
    examples: dict[str, str] = field(default_factory=dict[str, str])
    unreadable: str = ""
    crashed: list[str] = field(default_factory=list[str])
    section_s: float = 0.0
    whole_s: float = 0.0
    slowest_s: float = 0.0

    @property
    def is_imported(self) -> bool:
        """Whether it can be used: some of its operations can be called, or it has none."""
        return not (self.unreadable or self.crashed) and (self.accepted > 0 or self.operations == 0)


def import_document(folder: Path, path: Path, seed: int) -> Imported:
    """Import one document both ways."""
    found = Imported(str(path.relative_to(folder).with_suffix("")))
    try:
        began = time.process_time()
        document = read_document(path)
        places = {name: place for name, place in names(document).items() if _is_place(name, place)}
        found.operations = len(places)
        if places:
            _declare_all(document, places, found)
        found.whole_s = time.process_time() - began
        if places:
            found.section_s = _section_s(path, list(places), seed)
    except DocumentError as error:
        found.unreadable = str(error).replace(str(path), "it")
    except Exception as error:  # noqa: BLE001 - counting what is not foreseen is what this is for
        found.crashed.append(f"{found.name}: {error!r}")
    return found


def _is_place(name: str, place: tuple[str, str]) -> bool:
    method, path = place
    return method in METHODS and name == f"{method.upper()} {path}"


def _declare_all(document: JsonObject, places: dict[str, tuple[str, str]], found: Imported) -> None:
    made = Connector[HttpClient]("shop", "A system.", settings=OpenApiSettings, open=open_openapi)
    api = Api("shop", document)
    for number, (name, place) in enumerate(places.items()):
        began = time.process_time()
        own = OperationSettings(id=name, effect="read")
        try:
            declare_operation(made, f"op{number}", own, api, place, where=found.name)
        except (OperationError, DefinitionError) as error:
            reason = _reason(error)
            found.refused[reason] += 1
            found.examples.setdefault(reason, f"{found.name}: {name}: {error}")
        except Exception as error:  # noqa: BLE001 - the same
            found.crashed.append(f"{found.name}: {name}: {error!r}")
        found.slowest_s = max(found.slowest_s, time.process_time() - began)
    check_tools(made)
    found.accepted = len(made.actions)


def _reason(error: OperationError | DefinitionError) -> str:
    if isinstance(error, OperationError):
        return error.reason
    cause = error.__cause__
    return cause.reason if isinstance(cause, JsonSchemaError) else "strict schema"


def _section_s(path: Path, places: list[str], seed: int) -> float:
    chosen = random.Random(seed).sample(places, min(SECTION, len(places)))
    section: dict[str, Any] = {
        "base_url": "https://shop.example",
        "document": path,
        "operations": {f"op{number}": {"id": name, "effect": "read"} for number, name in enumerate(chosen)},
    }
    settings = OpenApiSettings.model_validate(section)
    return min(_built_s(settings) for _ in range(_TRIES))


def _built_s(settings: OpenApiSettings) -> float:
    began = time.process_time()
    # Where one of them is refused, as it was before, the others are made all the same.
    with suppress(SettingsError):
        build_openapi("shop", settings)
    return time.process_time() - began
