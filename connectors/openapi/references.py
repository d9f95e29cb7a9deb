"""Following references inside an OpenAPI document; what leads outside is refused, and nothing is ever fetched. Pure."""

from collections.abc import Mapping
from typing import Any, Final, cast

JsonObject = Mapping[str, Any]

_FOLLOWED: Final = 10
"""References that lead to references."""


class OperationError(ValueError):
    """An operation that cannot be called; the message says why.

    Attributes:
        reason: one word, for counting.
    """

    def __init__(self, message: str, reason: str = "settings") -> None:
        super().__init__(message)
        self.reason = reason


def object_of(document: JsonObject, said: Any) -> JsonObject:
    """Return an object of the document, its references followed; they stay inside the document.

    Raises:
        OperationError: it is no object, or a reference leads outside, nowhere or in a circle.
    """
    for _ in range(_FOLLOWED):
        if not isinstance(said, Mapping):
            break
        reference = cast("JsonObject", said).get("$ref")
        if reference is None:
            return cast("JsonObject", said)
        if not isinstance(reference, str) or not reference.startswith("#/"):
            raise OperationError(
                f"$ref {reference!r:.100} leads outside the document; copy it in", "reference"
            )
        said = document
        for part in reference.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            said = cast("JsonObject", said).get(name) if isinstance(said, Mapping) else None
    raise OperationError(
        "something that should be an object is none, or a reference leads nowhere", "reference"
    )


def object_or_nothing(document: JsonObject, said: Any) -> JsonObject:
    """Return an object of the document, or an empty one where there is none: for what only describes."""
    try:
        return object_of(document, said)
    except OperationError:
        return {}


def list_of(said: Any) -> list[Any]:
    """Return a list, or an empty one where there is none."""
    return cast("list[Any]", said) if isinstance(said, list) else []
