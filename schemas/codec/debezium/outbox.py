"""What the outbox event router made of a row: an event whose id is in a header. Pure.

https://debezium.io/documentation/reference/stable/transformations/outbox-event-router.html
"""

from collections.abc import Mapping
from typing import Any, cast

import orjson

from schemas.codec.debezium.connect import unwrapped
from schemas.codec.json import read_object
from schemas.errors import UnreadableError


def outbox_payload(body: bytes) -> dict[str, Any]:
    """Return the payload of a JSON body: an object, or text that holds one; either may carry Connect's schema.

    Raises:
        UnreadableError: it is none of these.
    """
    if body.lstrip()[:1] != b'"':
        value = unwrapped(read_object(body))
        if isinstance(value, Mapping):
            return dict(cast("Mapping[str, Any]", value))
    else:
        value = _text(body)
    if not isinstance(value, str):
        raise UnreadableError("the event is neither a JSON object nor text that holds one")
    # The column is JSON; without `table.expand.json.payload` the router passes it on as text.
    return read_object(value.encode())


def _text(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnreadableError(f"the body is no JSON we accept: {error}") from error
