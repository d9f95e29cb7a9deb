"""What an HTTP answer says about the effect: a result, or the one error of `connectors.errors` that is true. Pure."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, cast

import orjson

from connectors.errors import BusyError, FailedError, InDoubtError, UnusableResultError

_MESSAGE_LIMIT = 500
"""Characters of a refusal that reach the model."""
_SECONDS = re.compile(r"\d{1,9}")
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_DIGITS = 20
_LONG_INTEGER = re.compile(rb"-\d{19}|\d{20}")
_SEE_ELSEWHERE = frozenset((HTTPStatus.FOUND, HTTPStatus.SEE_OTHER))
_BUSY = frozenset((HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE))


def read_answer(status: int, headers: Mapping[str, str], body: bytes, *, changes: bool = False) -> Any:
    """Return the decoded body of a success, None where it is empty.

    Args:
        status: the HTTP status.
        headers: case-insensitive mapping.
        body: the complete body.
        changes: whether the request was to change something, so that a success says that it did.

    Raises:
        BusyError: 429 and 503, with the wait that `Retry-After` asks for.
        FailedError: any other 3xx or 4xx, with code and message of a problem document (RFC 9457).
        InDoubtError: any other 5xx; 302 and 303 after a change, as many answer once they have done it; a success that may
            be anybody's: its body is no JSON and does not say it is.
        UnusableResultError: a success whose body says it is JSON, and is none that can be used.
    """
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return _decoded(status, headers, body, changes=changes)
    if status in _BUSY:
        wait_s = retry_after_s(headers.get("Retry-After"), now=_their_time(headers))
        raise BusyError(f"HTTP {status}", retry_after_s=wait_s)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status < HTTPStatus.OK:
        raise InDoubtError(f"HTTP {status}")
    if changes and status in _SEE_ELSEWHERE:
        raise InDoubtError(f"HTTP {status}: sent elsewhere, as many do once they have done it")
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


def too_large(status: int, headers: Mapping[str, str], limit: int, *, changes: bool) -> Exception:
    """Return what is to be raised for a success whose body is longer than `limit` bytes."""
    why = f"HTTP {status} with a body above the limit of {limit} bytes"
    executed = changes and _says_json(headers)
    return UnusableResultError(why, code="result_too_large", executed=executed)


def _decoded(status: int, headers: Mapping[str, str], body: bytes, *, changes: bool) -> Any:
    if not body:
        return None
    try:
        value = orjson.loads(body)
        # orjson rounds longer integers, and an id that was rounded is another one.
        if _LONG_INTEGER.search(body):
            json.loads(body, parse_int=_integer)
    except ValueError as error:
        problem = f"HTTP {status} with a body that is no JSON we can use ({error})"
        if _says_json(headers):
            raise UnusableResultError(problem, executed=changes) from error
        raise InDoubtError(problem) from error
    return value


def _says_json(headers: Mapping[str, str]) -> bool:
    """Whether the application itself answered, and not some page of a proxy in front of it."""
    content_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return content_type == "application/json" or content_type.endswith("+json")


def _integer(digits: str) -> int:
    if len(digits) > _DIGITS or not -(2**63) <= int(digits) < 2**64:
        raise ValueError("an integer has more than 64 bits")
    return 0


def _their_time(headers: Mapping[str, str]) -> datetime:
    """Return the server's time, by which it reckons its dates; ours may be set."""
    try:
        at = parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        return datetime.now(UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


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
