"""What a service's answer says of the effect, and what is in its envelopes. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from connectors.errors import FailedError, InDoubtError, UnusableResultError
from connectors.http import HttpAnswer
from connectors.http_answer import read_answer
from connectors.odata.edm import Version

_MESSAGE_LIMIT: Final = 500
_ETAG: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,298}[\x21-\x7e])?")
"""What a header can carry: it comes back in one."""
_CODE_LIMIT: Final = 64
_CODES: Final[Mapping[int, str]] = {
    HTTPStatus.UNAUTHORIZED: "unauthorized",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.CONFLICT: "conflict",
    HTTPStatus.PRECONDITION_FAILED: "stale",
    HTTPStatus.PRECONDITION_REQUIRED: "precondition_required",
}
_HINTS: Final[Mapping[int, str]] = {
    HTTPStatus.PRECONDITION_FAILED: "it was changed since it was read: read it again, then decide anew",
    HTTPStatus.PRECONDITION_REQUIRED: "the service wants an ETag: set `etag: true` for this entity set",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """A success.

    Attributes:
        body: the content without its envelope; None where there is none.
        etag: of the entity, or None.
    """

    body: Any
    etag: str | None


def read_reply(answer: HttpAnswer, version: Version, *, changes: bool) -> Reply:
    """Return a success; raises the one error that is true.

    Args:
        answer: what came.
        version: of the protocol.
        changes: whether the request was to change something.

    Raises:
        BusyError: 429 and 503.
        FailedError: another 4xx, with the service's code and message.
        InDoubtError: 5xx: services answer so to what they have refused (a duplicate key) and to what they have done; and a
            repeated request that the service refuses to recognise.
        UnusableResultError: a success that cannot be read.
    """
    status = answer.status
    if (
        HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        and status != HTTPStatus.TOO_MANY_REQUESTS
    ):
        if changes and answer.headers.get("Repeatability-Result", "").lower() == "rejected":
            # Of the repeated request nothing is known but that; what the first one did, this answer does not say.
            raise InDoubtError(f"HTTP {status}: the service does not recognise the repeated request")
        raise FailedError(_message(status, answer.body), code=_code(status, answer.body))
    body = read_answer(status, answer.headers, answer.body, changes=changes)
    if version == "v2" and isinstance(body, dict):
        body = cast("dict[str, Any]", body).get("d", body)
    header = answer.headers.get("ETag", "")
    etag = header if _ETAG.fullmatch(header) else None
    if isinstance(body, dict):
        etag = etag_of(cast("dict[str, Any]", body)) or etag
    return Reply(body, etag)


def etag_of(body: Mapping[str, Any]) -> str | None:
    """Return the ETag that an entity's own annotations say, or None."""
    said = body.get("__metadata")
    found = cast("dict[str, Any]", said).get("etag") if isinstance(said, dict) else body.get("@odata.etag")
    return found if isinstance(found, str) and _ETAG.fullmatch(found) else None


def entity_of(reply: Reply, *, changes: bool) -> dict[str, Any]:
    """Return the entity that a reply is, an empty one where it has no content.

    Raises:
        UnusableResultError: it is none.
    """
    if reply.body is None:
        return {}
    if not isinstance(reply.body, dict):
        raise UnusableResultError("the answer is no entity", executed=changes)
    return cast("dict[str, Any]", reply.body)


def page_of(reply: Reply, version: Version, *, changes: bool = False) -> tuple[list[Any], str | None]:
    """Return the entities of a page, and the query of the next one.

    Raises:
        UnusableResultError: it is no page.
    """
    body: Any = reply.body
    rows: Any = None
    link: Any = None
    if isinstance(body, dict):
        page = cast("dict[str, Any]", body)
        rows = page.get("value" if version == "v4" else "results")
        link = page.get("@odata.nextLink", page.get("@nextLink")) if version == "v4" else page.get("__next")
    elif version == "v2":
        rows = body  # the first services had no envelope around a list
    if not isinstance(rows, list):
        raise UnusableResultError("the answer is no list of entities", executed=changes)
    return rows, urlsplit(link).query if isinstance(link, str) else None


def next_query(query: str, asked: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the pairs of a link's query.

    Only its query is followed, at the path that was asked before: so no link leads anywhere else. A plus sign in it is
    one, or a space; the service shows which by how it repeats what it was asked.
    """
    plain = tuple(
        (unquote(name), unquote(value))
        for name, _, value in (pair.partition("=") for pair in query.split("&") if pair)
    )
    if "+" not in query or any(value == asked.get(name) for name, value in plain if "+" in value):
        return plain
    return tuple(parse_qsl(query, keep_blank_values=True))


def _error(body: bytes) -> tuple[str, str]:
    """Return code and message of an error, empty where it says none."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "", ""
    error: Any = cast("dict[str, Any]", said).get("error") if isinstance(said, dict) else None
    if not isinstance(error, dict):
        return "", ""
    found = cast("dict[str, Any]", error)
    message: Any = found.get("message")
    if isinstance(message, dict):
        message = cast("dict[str, Any]", message).get("value")
    return str(found.get("code") or ""), message if isinstance(message, str) else ""


def _code(status: int, body: bytes) -> str:
    """Return a code for rules and the model: what the status means, else what the service calls it."""
    if status in _CODES and (status != HTTPStatus.NOT_FOUND or any(_error(body))):
        # That something is not there is only believed of the service itself, and not of a proxy before it.
        return _CODES[status]
    said = re.sub(r"[^a-z0-9]+", "_", _error(body)[0].lower()).strip("_")[:_CODE_LIMIT]
    return said if said and not said.isdigit() and said[0].isalpha() else f"http_{status}"


def _message(status: int, body: bytes) -> str:
    code, message = _error(body)
    said = f"HTTP {status}" + (f" {code}" if code and code != str(status) else "")
    text = "; ".join(part for part in (message, _HINTS.get(status, "")) if part)
    return f"{said}: {text}"[:_MESSAGE_LIMIT] if text else said
