"""Reading a list that comes in pages: bounded in pages, bytes and time, and never outside the system's own URL."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, cast
from urllib.parse import parse_qsl, urljoin, urlsplit

from connectors.egress import origin_of
from connectors.errors import FailedError
from connectors.http import HttpAnswer, HttpClient, HttpRequest
from connectors.openapi.page_settings import Pages
from connectors.openapi.results import steps_of, value_at

_LINKS: Final = re.compile(r",\s*(?=<)")
_CURSOR_LIMIT: Final = 4_096
_LINK_LIMIT: Final = 8_192
_URL: Final = re.compile(r"[\x21-\x5b\x5d-\x7e]+")

Read = Callable[[HttpAnswer], Any]
"""What an answer says, or its error."""


async def read_pages(
    client: HttpClient,
    request: HttpRequest,
    pages: Pages,
    read: Read,
    *,
    withheld: frozenset[str],
    timeout_s: float,
) -> dict[str, Any]:
    """Return `items`, those of all pages that were read, and `more`, whether there are others.

    Args:
        client: whom to ask.
        request: for the first page.
        pages: how to go on.
        read: what an answer says.
        withheld: query parameters in lower case that no link carries on, because the login adds them.
        timeout_s: for all pages; where it has gone by between two, there is more.

    Raises:
        ActionError: of a page; the earlier ones are dropped.
        FailedError: also `page_refused`, where a page has no list, or its next is elsewhere, unreadable or itself again.
    """
    until = time.monotonic() + timeout_s
    items: list[Any] = []
    total, seen = 0, set[HttpRequest]()
    following: HttpRequest | None = first_page(request, pages)
    for _ in range(pages.pages):
        if following is None or total >= pages.bytes or (left_s := until - time.monotonic()) <= 0:
            break
        if following in seen:
            raise FailedError("the next page is one that was read before", code="page_refused")
        seen.add(following)
        answer = await client.exchange(following, timeout_s=left_s)
        said = read(answer)
        found = value_at(said, steps_of(pages.items))
        if not isinstance(found, list):
            raise FailedError(
                f"there is no list at {pages.items or 'the top'} of the answer", code="page_refused"
            )
        some = cast("list[Any]", found)
        items += some
        total += len(answer.body)
        following = next_page(following, pages, answer.headers, said, len(some), client.base_url, withheld)
    return {"items": items, "more": following is not None}


def first_page(request: HttpRequest, pages: Pages) -> HttpRequest:
    """Return the request for the first page."""
    if pages.by == "page":
        return _with(request, pages.parameter, str(1 if pages.first is None else pages.first))
    if pages.by == "offset":
        return _with(request, pages.parameter, str(pages.first or 0))
    return request


def next_page(
    request: HttpRequest,
    pages: Pages,
    headers: Mapping[str, str],
    said: Any,
    had: int,
    base_url: str,
    withheld: frozenset[str] = frozenset(),
) -> HttpRequest | None:
    """Return the request for the page after an answer, or None after the last; raises FailedError `page_refused`."""
    if pages.more is not None and value_at(said, steps_of(pages.more)) is not True:
        return None
    match pages.by:
        case "link-header":
            link = _next_of(headers.get("Link", ""))
            return None if link is None else _at(request, link, base_url, withheld)
        case "link":
            link = value_at(said, steps_of(pages.next or ""))
            return None if _is_nothing(link) else _at(request, link, base_url, withheld)
        case "cursor":
            cursor = value_at(said, steps_of(pages.next or ""))
            return None if _is_nothing(cursor) else _with(request, pages.parameter, _cursor(cursor))
        case _:
            if had < (pages.size or 1):
                return None
            step = 1 if pages.by == "page" else had
            present = int(dict(request.query)[pages.parameter or ""])
            return _with(request, pages.parameter, str(present + step))


def _with(request: HttpRequest, parameter: str | None, value: str) -> HttpRequest:
    others = tuple(pair for pair in request.query if pair[0] != parameter)
    return replace(request, query=(*others, (parameter or "", value)))


def _cursor(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > _CURSOR_LIMIT:
        raise FailedError("the cursor of the next page is no text or number", code="page_refused")
    return str(value)


def _next_of(header: str) -> str | None:
    """Return the target of the link whose relation is `next` (RFC 8288)."""
    for link in _LINKS.split(header[:_LINK_LIMIT]):
        target, _, parameters = link.strip().partition(">")
        for each in parameters.split(";"):
            name, _, value = each.partition("=")
            if name.strip().lower() == "rel" and "next" in value.strip().strip('"').lower().split():
                return target.removeprefix("<")
    return None


def _is_nothing(value: Any) -> bool:
    return value is None or value is False or value == ""


def _at(request: HttpRequest, link: Any, base_url: str, withheld: frozenset[str]) -> HttpRequest:
    """Return the request for a link: the same system, under the same prefix."""
    elsewhere = FailedError("the link to the next page leads out of base_url", code="page_refused")
    if not isinstance(link, str) or len(link) > _LINK_LIMIT or not _URL.fullmatch(link):
        raise FailedError("the link to the next page is no URL", code="page_refused")
    path = "/".join((base_url, *request.path)) + ("/" if request.slash else "")
    try:
        parts = urlsplit(urljoin(path, link))
        origin = origin_of(f"{parts.scheme}://{parts.netloc}")
    except ValueError:
        raise elsewhere from None
    base = urlsplit(base_url)
    prefix = f"{base.path}/"
    if origin != origin_of(f"{base.scheme}://{base.netloc}") or not parts.path.startswith(prefix):
        raise elsewhere
    inside = parts.path.removeprefix(prefix)
    query = parse_qsl(parts.query, keep_blank_values=True)
    return replace(
        request,
        path=tuple(inside.rstrip("/").split("/")) if inside.rstrip("/") else (),
        slash=inside.endswith("/") or not inside,
        query=tuple(pair for pair in query if pair[0].lower() not in withheld),
    )
