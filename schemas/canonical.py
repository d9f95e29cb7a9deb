"""Canonical JSON: one byte string for one value, so that digests and re-published bytes agree."""

import hashlib
from typing import Any

import orjson


def canonical_json(value: Any) -> bytes:
    """Encode with sorted keys and no spaces.

    Raises:
        TypeError: for values JSON cannot say (orjson also refuses integers beyond 64 bits).
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest(value: Any) -> str:
    """Return the SHA-256 hex digest of a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value)).hexdigest()
