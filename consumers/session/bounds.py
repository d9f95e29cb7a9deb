"""Bounds on what a session remembers: what is too large is replaced by a marker that says so. Pure."""

from typing import Any, Final

from schemas.canonical import canonical_json

VALUE_BYTES: Final = 4_096
"""Of one value in a context, such as a result, as canonical JSON."""
TEXT_CHARS: Final = 500
"""Of one text in a context, such as a summary."""

_OMITTED: Final = "$omitted"
"""No parameter of an action and no field of a model can have this name."""


def omitted(why: str) -> dict[str, str]:
    """Return what stands in place of a value that is not kept; `why` is for people and for the model."""
    return {_OMITTED: why}


def is_omitted(value: Any) -> bool:
    """Whether a value is such a marker."""
    return isinstance(value, dict) and _OMITTED in value


def bounded(value: Any, most: int = VALUE_BYTES) -> Any:
    """Return a JSON-like value, or a marker with its size where it has more bytes than `most`."""
    size = len(canonical_json(value))
    return value if size <= most else omitted(f"{size:,} bytes, more than the {most:,} that are kept here")


def short(text: str, most: int = TEXT_CHARS) -> str:
    """Return a text of at most so many characters; one that was cut ends with an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
