"""What a section says is what may be called; every mistake in it is named at its place, and no secret is."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from connectors.catalog import Catalog
from connectors.errors import FailedError
from connectors.kind import SettingsError
from connectors.openapi.kind import build_openapi
from tests.connectors.openapi.system import OPERATIONS, THINGS, echo, opened, section, serving

MAKE = OPERATIONS["make_thing"]


def built(folder: Path, **operations: Any) -> Any:
    return build_openapi("shop", section(folder, "https://shop.example", operations=operations))


def mistakes(folder: Path, **operations: Any) -> list[tuple[str, str, str]]:
    with pytest.raises(SettingsError) as raised:
        built(folder, **operations)
    return [(".".join(map(str, each.at)), each.message, each.hint) for each in raised.value.mistakes]


def test_only_what_is_listed_can_be_called(tmp_path: Path) -> None:
    connector = built(tmp_path, look={"id": "GET /things/{id}"})
    assert list(connector.actions) == ["shop.look"]
    assert connector.actions["shop.look"].effect == "read"
    assert connector.actions["shop.look"].description == "Look up a thing."
    assert Catalog([connector]).lint() == []


def test_every_mistake_in_a_section_is_named_at_its_place(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        look={"id": "getThink"},
        make={"id": "createThing"},
        take={"id": "getThing", "arguments": {"ident": {"hidden": True}}},
        keep={"id": "getThing", "arguments": {"id": {"hidden": True}}},
        wrong={"id": "getThing", "arguments": {"id": {"value": 7}}},
        search={"id": "createThing", "effect": "read", "pages": {"by": "link-header"}},
    )
    assert [(at, message.partition(":")[0]) for at, message, _ in found] == [
        ("operations.look.id", f"no operation getThink in {tmp_path}/system.json"),
        ("operations.make", "say whether createThing is a read or a write"),
        ("operations.take", "getThing has no argument ident; it has id"),
        ("operations.keep", "id is required"),
        ("operations.wrong", "getThing"),
        ("operations.search", "createThing is no GET, and links to pages are followed by GET alone"),
    ]
    assert found[0][2] == "Did you mean getThing?"


@pytest.mark.parametrize(
    ("operation", "says"),
    [
        ({"id": "x", "idempotency": "provider-key"}, "needs key_header or key_argument"),
        ({"id": "x", "key_header": "Idempotency-Key"}, "needs key_header or key_argument"),
        (
            {**MAKE, "key_header": None, "key_argument": "name", "arguments": {"name": {"name": "title"}}},
            "leave it out of arguments",
        ),
        ({**MAKE, "key_header": "Authorization"}, "not for a configuration to set"),
        ({**MAKE, "key_header": "X: y"}, "pattern"),
        ({"id": "x", "pages": {"by": "cursor", "next": "a"}}, "by: cursor needs next and parameter"),
        ({"id": "x", "pages": {"by": "link-header", "size": 1}}, "first and size are for page and offset"),
        ({**MAKE, "pages": {"by": "link-header"}}, "are for reads"),
        ({"id": "x", "arguments": {"a": {"hidden": True, "value": 1}}}, "say one of these"),
        ({"id": "x", "absent": [500]}, "404"),
        ({**MAKE, "absent": [404]}, "are for reads"),
        ({"id": "x", "only_item": "", "pages": {"by": "link-header"}}, "not in pages"),
        ({"id": "x", "effects": "read"}, "Extra inputs"),
    ],
)
def test_a_section_that_says_two_things_or_nothing_is_refused(
    tmp_path: Path, operation: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        section(tmp_path, "https://shop.example", operations={"do": operation})


@pytest.mark.parametrize(
    ("auth", "says"),
    [
        ({}, "exactly one"),
        ({"bearer": "a", "basic": {"user": "b", "password": "c"}}, "exactly one"),
        ({"basic": {"user": "a:b", "password": "c"}}, "pattern"),
        ({"api_key": {"in": "header", "name": "Host", "value": "c"}}, "not for a configuration to set"),
        (
            {"oauth2_client_credentials": {"token_url": "ftp://x", "client_id": "a", "client_secret": "b"}},
            "token_url",
        ),
    ],
)
def test_a_login_that_cannot_be_is_refused(tmp_path: Path, auth: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        section(tmp_path, "https://shop.example", auth=auth)


def test_no_secret_shows_in_a_section(tmp_path: Path) -> None:
    oauth = {"token_url": "https://login.example/token", "client_id": "a", "client_secret": "hunter2"}
    shown = section(tmp_path, "https://shop.example", auth={"oauth2_client_credentials": oauth})
    assert "hunter2" not in repr(shown)


async def test_an_argument_can_be_renamed_fixed_or_carry_the_key(tmp_path: Path) -> None:
    fields = {
        name: {"type": "string", "description": "What."} for name in ("name", "note", "shop", "request_id")
    }
    schema = {"type": "object", "properties": fields, "required": ["request_id", "shop"]}
    make = {**THINGS["/things"]["post"], "requestBody": {"content": {"application/json": {"schema": schema}}}}
    own = {
        "id": "createThing",
        "effect": "write",
        "idempotency": "provider-key",
        "key_argument": "request_id",
        "window": "1h",
        "arguments": {
            "name": {"name": "title", "description": "Its title.", "required": True},
            "shop": {"value": "north"},
            "note": {"hidden": True},
        },
    }
    async with (
        serving(echo) as url,
        opened(section(tmp_path, url, paths={"/things": {"post": make}}, operations={"make": own})) as system,
    ):
        said = await system.perform("make", {"title": "lamp"})
        with pytest.raises(ValidationError, match="title"):
            await system.perform("make", {})
    parameters = system.connector.actions["shop.make"].tool["function"]["parameters"]["properties"]
    assert list(parameters) == ["title"]
    assert parameters["title"]["description"] == "Its title."
    assert said["body"] == '{"name":"lamp","shop":"north","request_id":"key-1"}'


async def test_the_key_goes_by_the_header_that_is_named_and_the_model_never_sets_it(tmp_path: Path) -> None:
    header = {"name": "idempotency-key", "in": "header", "required": True, "schema": {"type": "string"}}
    make = {**THINGS["/things"]["post"], "parameters": [header]}
    async with (
        serving(echo) as url,
        opened(
            section(tmp_path, url, paths={"/things": {"post": make}}, operations={"make": MAKE})
        ) as system,
    ):
        said = await system.perform("make", {"name": "lamp"})
    assert said["headers"]["idempotency-key"] == "key-1"
    assert list(system.connector.actions["shop.make"].arguments.model_fields) == ["name"]


async def test_what_is_not_there_is_null_where_the_section_says_so(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"code": "none"}, status=410 if request.path.endswith("T-2") else 404)

    operations = {"look": {"id": "getThing", "absent": [404], "result_fields": {"name": "title"}}}
    async with serving(handler) as url, opened(section(tmp_path, url, operations=operations)) as system:
        assert await system.perform("look", {"id": "T-1"}) is None
        with pytest.raises(FailedError):
            await system.perform("look", {"id": "T-2"})


@pytest.mark.parametrize(
    ("found", "result"),
    [([], None), ([{"id": "T-1", "secret": 1}], {"id": "T-1"}), ([{}, {}], "ambiguous"), (None, "no_list")],
)
async def test_the_only_thing_found_is_the_result_and_of_several_none_is_guessed(
    tmp_path: Path, found: Any, result: Any
) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.json_response({"data": {"things": found}})

    own = {"id": "getThing", "only_item": "data.things", "result_fields": ["id"]}
    async with serving(handler) as url, opened(section(tmp_path, url, operations={"look": own})) as system:
        if isinstance(result, str):
            with pytest.raises(FailedError) as raised:
                await system.perform("look", {"id": "T-1"})
            assert raised.value.code == result
        else:
            assert await system.perform("look", {"id": "T-1"}) == result
