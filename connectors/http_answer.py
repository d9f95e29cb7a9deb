"""What an HTTP answer says about the effect: a result, or the one error of `connectors.errors` that is true. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, cast

import orjson

from connectors.errors import BusyError, FailedError, InDoubtError

_MESSAGE_LIMIT = 500
"""Characters of a refusal that reach the model."""
_SECONDS = re.compile(r"\d{1,9}")
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_BUSY = frozenset((HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE))


def read_answer(status: int, headers: Mapping[str, str], body: bytes) -> Any:
    """Return the decoded body of a success, None where it is empty.

    Args:
        status: the HTTP status.
        headers: case-insensitive mapping.
        body: the complete body.

    Raises:
        BusyError: 429 and 503, with the wait that `Retry-After` asks for.
        FailedError: any other 3xx or 4xx, with code and message of a problem document (RFC 9457).
        InDoubtError: any other 5xx, and a success whose body is no JSON.
    """
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return _decoded(status, body)
    if status in _BUSY:
        wait_s = retry_after_s(headers.get("Retry-After"), now=datetime.now(UTC))
        raise BusyError(f"HTTP {status}", retry_after_s=wait_s)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status < HTTPStatus.OK:
        raise InDoubtError(f"HTTP {status}")
    code, message = _problem(status, body)
    raise FailedError(message, code=code)


def retry_after_s(value: str | None, *, now: datetime) -> float | None:
    """Return the seconds that a `Retry-After` header asks for, or None where it is missing or unreadable.

    Args:
        value: seconds or an HTTP date.
        now: what a date is compared with; a date in the past gives 0.
    """
    if value is None:
        return None
    if _SECONDS.fullmatch(value.strip()):
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())


def _decoded(status: int, body: bytes) -> Any:
    if not body:
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InDoubtError(f"HTTP {status} with a body that is no JSON") from error


def _problem(status: int, body: bytes) -> tuple[str, str]:
    """Return code and message; whatever is missing comes from the status."""
    code, message = f"http_{status}", f"HTTP {status}"
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return code, message
    if not isinstance(document, dict):
        return code, message
    said = cast("dict[str, Any]", document)
    if isinstance(said.get("code"), str) and _CODE.fullmatch(said["code"]):
        code = said["code"]
    text = said.get("detail") or said.get("title")
    if isinstance(text, str):
        message = text[:_MESSAGE_LIMIT]
    return code, message
