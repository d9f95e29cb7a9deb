"""Everything that can go wrong on the way, and what each says of the effect. A real server misbehaves; nothing is mocked."""

import asyncio
import gzip
import ssl
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from connectors.errors import (
    ActionError,
    BusyError,
    FailedError,
    InDoubtError,
    NotSentError,
    UnusableResultError,
)
from tests.connectors.openapi.system import OPERATIONS, THINGS, Handler, opened, section, serving

MADE = b'{"id": "T-1"}'
WRITE = ("make_thing", {"name": "lamp"})
READ = ("get_thing", {"id": "T-1"})
LIMIT = 1_000


async def lost_reply(request: web.Request) -> web.Response:
    await request.read()
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def reply_cut_short(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "100"})
    await response.prepare(request)
    await response.write(MADE[:5])
    assert request.transport is not None
    request.transport.close()
    return response


async def slow_body(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(MADE[:5])
    await asyncio.Event().wait()
    raise AssertionError("nobody sets the event")


async def no_answer(_: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets the event")


async def huge_stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    try:
        while True:
            await response.write(b"[" * 1_000)
    except ConnectionError:
        return response


def answering(status: int, body: bytes = b"", kind: str = "application/json", **headers: str) -> Handler:
    said = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers={"Content-Type": kind, **said})

    return answer


@dataclass(frozen=True)
class Row:
    """One fault: what the system does, what is asked of it, what is raised."""

    fault: str
    handler: Handler
    asked: tuple[str, dict[str, Any]]
    raised: type[ActionError]
    said: dict[str, Any] = field(default_factory=dict[str, Any])
    timeout_s: float = 5


PROBLEM = b'{"title": "no", "code": "out_of_stock", "detail": "None left."}'
HTML = b"<html>Sign in</html>"
METADATA = "http://169.254.169.254/latest/meta-data/"
TABLE = [
    Row("the reply to a write is lost", lost_reply, WRITE, InDoubtError),
    Row("the reply to a read is lost", lost_reply, READ, InDoubtError),
    Row("a reply is cut short", reply_cut_short, WRITE, InDoubtError),
    Row("no answer", no_answer, WRITE, InDoubtError, timeout_s=0.3),
    Row("slow body", slow_body, WRITE, InDoubtError, timeout_s=0.3),
    Row("429", answering(429, PROBLEM, Retry_After="7"), WRITE, BusyError, {"retry_after_s": 7.0}),
    Row("429 without a wait", answering(429), WRITE, BusyError, {"retry_after_s": None}),
    Row("503", answering(503, Retry_After="1"), WRITE, BusyError, {"retry_after_s": 1.0}),
    Row(
        "huge body of a write",
        huge_stream,
        WRITE,
        UnusableResultError,
        {"code": "result_too_large", "executed": True},
    ),
    Row(
        "huge body of a read",
        huge_stream,
        READ,
        UnusableResultError,
        {"code": "result_too_large", "executed": False},
    ),
    Row("a page in place of JSON, after a write", answering(200, HTML, "text/html"), WRITE, InDoubtError),
    Row("a text nobody documented, after a write", answering(200, b"ok", "text/plain"), WRITE, InDoubtError),
    Row(
        "a page that says it is JSON, after a write",
        answering(200, HTML),
        WRITE,
        UnusableResultError,
        {"code": "result_unreadable", "executed": True},
    ),
    Row(
        "a page that says it is JSON, after a read",
        answering(200, HTML),
        READ,
        UnusableResultError,
        {"executed": False},
    ),
    Row(
        "compressed, unasked",
        answering(200, gzip.compress(MADE), Content_Encoding="gzip"),
        WRITE,
        UnusableResultError,
        {"executed": True},
    ),
    Row(
        "a read sent to a metadata address",
        answering(302, Location=METADATA),
        READ,
        FailedError,
        {"code": "http_302"},
    ),
    Row(
        "a write sent to a metadata address",
        answering(307, Location=METADATA),
        WRITE,
        FailedError,
        {"code": "http_307"},
    ),
    Row("a write sent elsewhere once done", answering(303, Location=METADATA), WRITE, InDoubtError),
    Row("refused", answering(422, PROBLEM), WRITE, FailedError, {"code": "out_of_stock"}),
    Row("refused without a reason", answering(400), WRITE, FailedError, {"code": "http_400"}),
    Row("login refused", answering(401), WRITE, FailedError, {"code": "http_401"}),
    Row("broken inside", answering(500, PROBLEM), WRITE, InDoubtError),
    Row("a proxy's time-out", answering(504, HTML, "text/html"), WRITE, InDoubtError),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.fault)
async def test_a_fault_is_raised_as_what_it_says_of_the_effect(tmp_path: Path, row: Row) -> None:
    asked: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        return await row.handler(request)

    async with serving(handler) as url, opened(section(tmp_path, url, answer_bytes=LIMIT)) as system:
        verb, arguments = row.asked
        with pytest.raises(ActionError) as raised:
            await system.perform(verb, arguments, timeout_s=row.timeout_s)
    assert type(raised.value) is row.raised
    assert {name: getattr(raised.value, name) for name in row.said} == row.said
    # Nothing is followed, and no write is repeated; a read on a lost connection may be.
    assert len(set(asked)) == 1
    assert len(asked) == 1 or row.asked is READ


async def test_a_certificate_nobody_vouches_for_means_not_sent(tmp_path: Path) -> None:
    async def handler(_: web.Request) -> web.Response:
        raise AssertionError("nothing may be sent")

    async with (
        serving(handler, tls=self_signed(tmp_path)) as url,
        opened(section(tmp_path, url)) as system,
    ):
        with pytest.raises(NotSentError):
            await system.perform(*WRITE)


async def test_nobody_there_means_not_sent(tmp_path: Path) -> None:
    async with serving(no_answer) as url:
        pass
    async with opened(section(tmp_path, url)) as system:
        with pytest.raises(NotSentError):
            await system.perform(*WRITE)


@pytest.mark.parametrize(
    ("kinds", "body", "result"),
    [
        (["text/plain"], b"queued as 7", "queued as 7"),
        (["application/json", "text/plain"], b"42", "42"),
        (["application/xml"], b"<ok/>", "<ok/>"),
    ],
)
async def test_a_documented_text_is_what_a_write_answers(
    tmp_path: Path, kinds: list[str], body: bytes, result: str
) -> None:
    accepted: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        accepted.append(request.headers["Accept"])
        return web.Response(body=body, headers={"Content-Type": f"{kinds[-1]}; charset=utf-8"})

    paths = with_answers({"202": {"description": "Taken.", "content": {kind: {} for kind in kinds}}})
    async with serving(handler) as url, opened(section(tmp_path, url, paths=paths)) as system:
        assert await system.perform(*WRITE) == result
    assert accepted == [", ".join(dict.fromkeys(["application/json", *kinds]))]


async def test_a_documented_text_that_is_none_was_done_all_the_same(tmp_path: Path) -> None:
    paths = with_answers({"2XX": {"description": "Done.", "content": {"text/csv": {}}}})
    handler = answering(200, b"\xff\xfe", "text/csv")
    async with serving(handler) as url, opened(section(tmp_path, url, paths=paths)) as system:
        with pytest.raises(UnusableResultError) as raised:
            await system.perform(*WRITE)
    assert raised.value.executed


async def test_an_answer_that_is_nested_too_deeply_was_done_all_the_same(tmp_path: Path) -> None:
    operations = {"make_thing": {**OPERATIONS["make_thing"], "result_fields": ["id"]}}
    handler = answering(200, b"[" * 900 + b"]" * 900)
    async with serving(handler) as url, opened(section(tmp_path, url, operations=operations)) as system:
        with pytest.raises(UnusableResultError) as raised:
            await system.perform(*WRITE)
    assert raised.value.executed


@pytest.mark.parametrize("status", [200, 201, 204])
async def test_an_empty_success_is_one(tmp_path: Path, status: int) -> None:
    async with serving(answering(status)) as url, opened(section(tmp_path, url)) as system:
        assert await system.perform(*WRITE) is None


def with_answers(responses: dict[str, Any]) -> dict[str, Any]:
    return {**THINGS, "/things": {"post": {**THINGS["/things"]["post"], "responses": responses}}}


def self_signed(folder: Path) -> ssl.SSLContext:
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    subprocess.run(
        [*command, "-keyout", key, "-out", certificate, "-days", "1", *subject],
        check=True,
        capture_output=True,
        timeout=30,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
