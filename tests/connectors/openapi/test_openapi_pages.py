"""A long list is read page by page: bounded, by the ways that are stated, and never outside the system's own URL."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import ActionError, BusyError, FailedError
from connectors.http import HttpRequest
from connectors.openapi.page_settings import Pages
from connectors.openapi.pages import next_page
from tests.connectors.openapi.system import Handler, opened, section, serving

THINGS = [{"id": f"T-{number}", "secret": number} for number in range(7)]
QUERY = [
    {"name": name, "in": "query", "description": "What.", "schema": {"type": "string"}}
    for name in ("q", "cursor", "page", "offset", "key")
]
ITEM = {"type": "object", "properties": {"id": {"type": "string", "pattern": "^T-[0-9]+$"}, "secret": {}}}
ANSWER = {"type": "object", "properties": {"data": {"type": "array", "items": ITEM}}}
PATHS = {
    "/things": {
        "get": {
            "operationId": "listThings",
            "summary": "List things.",
            "parameters": QUERY,
            "responses": {"200": {"content": {"application/json": {"schema": ANSWER}}}},
        }
    }
}
Query = dict[str, str]


def paged(size: int, said: Callable[[web.Request, int], tuple[dict[str, Any], dict[str, str]]]) -> Handler:
    """Serve pages of a size; `said` gives what an answer says beside them, by where its next page begins."""

    async def handler(request: web.Request) -> web.Response:
        query = request.query
        first = int(query.get("cursor") or query.get("offset") or (int(query.get("page", 1)) - 1) * size)
        more, headers = said(request, first + size)
        return web.json_response({"data": THINGS[first : first + size], **more}, headers=headers)

    return handler


def by_cursor(_: web.Request, following: int) -> tuple[dict[str, Any], dict[str, str]]:
    return {"paging": {"next": following if following < len(THINGS) else None}}, {}


def by_last(_: web.Request, following: int) -> tuple[dict[str, Any], dict[str, str]]:
    return {"has_more": following < len(THINGS), "marks": [1, following]}, {}


def by_link(request: web.Request, following: int) -> tuple[dict[str, Any], dict[str, str]]:
    url = str(request.url.update_query(cursor=str(following)))
    return {"@next": url if following < len(THINGS) else ""}, {}


def by_relative_link(_: web.Request, following: int) -> tuple[dict[str, Any], dict[str, str]]:
    return {"@next": f"?cursor={following}" if following < len(THINGS) else False}, {}


def by_header(request: web.Request, following: int) -> tuple[dict[str, Any], dict[str, str]]:
    url = request.url.update_query(cursor=str(following))
    last = f'<{request.url}?a,b>; title="a;b"; rel="last start"'
    return {}, {"Link": f'{last}, <{url}>; rel="next"' if following < len(THINGS) else last}


def nothing(_: web.Request, _following: int) -> tuple[dict[str, Any], dict[str, str]]:
    return {}, {}


WAYS = {
    "cursor": (by_cursor, {"by": "cursor", "next": "paging.next", "parameter": "cursor"}),
    "last item": (
        by_last,
        {"by": "cursor", "next": "marks.-1", "more": "has_more", "parameter": "cursor"},
    ),
    "link": (by_link, {"by": "link", "next": "/@next"}),
    "relative link": (by_relative_link, {"by": "link", "next": "/@next"}),
    "link header": (by_header, {"by": "link-header"}),
    "page": (nothing, {"by": "page", "parameter": "page"}),
    "page of a size": (nothing, {"by": "page", "parameter": "page", "size": 2}),
    "offset": (nothing, {"by": "offset", "parameter": "offset"}),
}


def operation(**pages: Any) -> dict[str, Any]:
    return {"list": {"id": "listThings", "pages": {"items": "data", **pages}, "result_fields": ["id"]}}


@pytest.mark.parametrize("way", WAYS)
async def test_all_pages_are_one_result(tmp_path: Path, way: str) -> None:
    said, pages = WAYS[way]
    settings = {"paths": PATHS, "operations": operation(**pages)}
    async with (
        serving(paged(2, said)) as url,
        opened(section(tmp_path, url, **settings)) as system,
    ):
        assert await system.perform("list", {"q": "lamp"}) == {
            "items": [{"id": thing["id"]} for thing in THINGS],
            "more": False,
        }


@pytest.mark.parametrize(
    ("bound", "had"), [({"pages": 2}, 4), ({"pages": 1}, 2), ({"bytes": 1}, 2), ({"bytes": 150}, 4)]
)
async def test_what_lies_beyond_a_bound_is_said_to_be_there(
    tmp_path: Path, bound: dict[str, int], had: int
) -> None:
    said, pages = WAYS["cursor"]
    settings = {"paths": PATHS, "operations": operation(**pages, **bound)}
    async with (
        serving(paged(2, said)) as url,
        opened(section(tmp_path, url, **settings)) as system,
    ):
        result = await system.perform("list", {})
    assert (len(result["items"]), result["more"]) == (had, True)


async def test_every_page_is_asked_with_the_arguments_and_the_login_and_no_key_is_carried_on(
    tmp_path: Path,
) -> None:
    asked: list[list[tuple[str, str]]] = []

    def said(request: web.Request, following: int) -> tuple[dict[str, Any], dict[str, str]]:
        asked.append(list(request.query.items()))
        return by_link(request, following)

    auth = {"api_key": {"in": "query", "name": "key", "value": "k-1"}}
    settings = {"paths": PATHS, "operations": operation(by="link", next="/@next", pages=2), "auth": auth}
    async with (
        serving(paged(2, said)) as url,
        opened(section(tmp_path, url, **settings)) as system,
    ):
        await system.perform("list", {"q": "a&b=c"})
    assert asked == [
        [("q", "a&b=c"), ("key", "k-1")],
        [("q", "a&b=c"), ("cursor", "2"), ("key", "k-1")],
    ]
    fields = system.connector.actions["shop.list"].arguments.model_fields
    assert list(fields) == ["q", "cursor", "page", "offset"]  # the login's is nobody else's to set


async def test_rules_and_labels_know_what_a_page_holds(tmp_path: Path) -> None:
    settings = section(tmp_path, "http://127.0.0.1:1", paths=PATHS, operations=operation(by="link-header"))
    async with opened(settings) as system:
        model = system.connector.actions["shop.list"].result
    assert model is not None
    properties = model.model_json_schema(mode="serialization")["properties"]
    assert properties["items"]["items"]["properties"] == {"id": {"type": "string", "pattern": "^T-[0-9]+$"}}
    assert properties["more"]["type"] == "boolean"


@pytest.mark.parametrize(
    ("said", "pages"),
    [
        ({"@next": "?"}, {"by": "link", "next": "/@next"}),
        ({"@next": 7}, {"by": "cursor", "next": "/@next", "parameter": "cursor"}),
        ({"data": None}, {"by": "link-header"}),
        ({"@next": {"a": 1}}, {"by": "cursor", "next": "/@next", "parameter": "cursor"}),
        ({"@next": "x" * 5_000}, {"by": "cursor", "next": "/@next", "parameter": "cursor"}),
    ],
    ids=["the same link", "the same cursor", "no list", "no cursor", "a long cursor"],
)
async def test_pages_that_lead_nowhere_are_refused(
    tmp_path: Path, said: dict[str, Any], pages: dict[str, Any]
) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.json_response({"data": [], **said})

    settings = {"paths": PATHS, "operations": operation(**pages)}
    async with serving(handler) as url, opened(section(tmp_path, url, **settings)) as system:
        with pytest.raises(FailedError) as refused:
            await system.perform("list", {})
    assert refused.value.code == "page_refused"


async def test_a_page_that_fails_is_the_error_of_the_read(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.Response:
        if "cursor" in request.query:
            return web.Response(status=429, headers={"Retry-After": "3"})
        return web.json_response({"data": THINGS[:2], "paging": {"next": 2}})

    settings = {"paths": PATHS, "operations": operation(**WAYS["cursor"][1])}
    async with serving(handler) as url, opened(section(tmp_path, url, **settings)) as system:
        with pytest.raises(BusyError) as busy:
            await system.perform("list", {})
    assert busy.value.retry_after_s == 3


BASE = "https://shop.example/api"
REQUEST = HttpRequest("GET", ("things",), changes=False, quoted=True)
LINK = Pages.model_validate({"by": "link", "next": "next"})


@pytest.mark.parametrize(
    "link",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://evil.example/api/things",
        "http://shop.example/api/things",
        "https://shop.example:444/api/things",
        "https://shop.example/admin",
        "https://shop.example/apiary/things",
        "https://ann:pw@shop.example/api/things",
        "//evil.example/api/things",
        "/admin",
        "../../admin",
        "https://shop.example\\@evil.example/api/things",
        "https://shop.example/api/things\r\nX: y",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://[::1/api/things",
        7,
        "x" * 9_000,
    ],
)
def test_a_link_out_of_the_system_is_refused(link: Any) -> None:
    with pytest.raises(FailedError) as refused:
        next_page(REQUEST, LINK, {}, {"next": link}, 1, BASE)
    assert refused.value.code == "page_refused"


@given(st.text())
def test_whatever_a_link_says_it_leads_under_the_systems_own_url_or_nowhere(link: str) -> None:
    try:
        following = next_page(REQUEST, LINK, {}, {"next": link}, 1, BASE)
    except ActionError:
        return
    # A request has no host: it is sent to base_url, whatever its path, and its client looks at each segment.
    assert following is None or following.method == "GET"


def test_a_link_keeps_its_quoting_and_its_slash() -> None:
    said = {"next": f"{BASE}/things/a%2Fb/?x=%26&y="}
    following = next_page(REQUEST, LINK, {}, said, 1, BASE)
    assert following is not None
    assert (following.path, following.slash, following.query) == (
        ("things", "a%2Fb"),
        True,
        (("x", "&"), ("y", "")),
    )
