"""A server on loopback that answers every call with one thing, and what there is to answer."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from aiohttp import web

from connectors.action import Call
from connectors.perform import perform
from connectors.soap.kind import build_soap
from connectors.soap.ports import Wanted
from connectors.soap.settings import SoapSettings
from connectors.soap.wsdl import Operation, Wsdl, read_wsdl
from tests.connectors.soap.services import OPEN, settings_of

GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
TICKET = {"Title": "It broke", "Severity": "Low", "Hours": "1.5", "Level": 3}
OPENED = (
    "<Title>It broke</Title><Severity>Low</Severity><Hours>1.50</Hours><Level>3</Level>"
    '<x:more xmlns:x="urn:more">else</x:more>'
    f"<Id>{GUID}</Id><Serial>18446744073709551615</Serial>"
)
READ = {"operation": "TicketIsOpen", "effect": "read", "description": "Ask."}
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
ENVELOPE_12 = "http://www.w3.org/2003/05/soap-envelope"


def enveloped(body: str, space: str = ENVELOPE) -> str:
    return (
        f'<?xml version="1.0"?><e:Envelope xmlns:e="{space}"><e:Header/><e:Body>{body}</e:Body></e:Envelope>'
    )


def opened(inner: str = OPENED, attributes: str = 'version="2"') -> str:
    result = (
        f'<OpenTicketResult xmlns:d="http://tickets.example/data" {attributes}>{inner}</OpenTicketResult>'
    )
    for name in ("Title", "Severity", "Due", "Hours", "Urgent", "Proof", "Weight", "Level", "Id", "Serial"):
        result = result.replace(f"<{name}", f"<d:{name}").replace(f"</{name}", f"</d:{name}")
    return enveloped(f'<OpenTicketResponse xmlns="http://tickets.example/">{result}</OpenTicketResponse>')


def fault(code: str, words: str = "no", detail: str = "") -> str:
    return enveloped(
        f"<e:Fault><faultcode>{code}</faultcode><faultstring>{words}</faultstring>"
        f"{f'<detail>{detail}</detail>' if detail else ''}</e:Fault>"
    )


class Service:
    """Answers everything with one thing, and keeps what it was asked."""

    def __init__(self, status: int, body: str | bytes, content_type: str, headers: dict[str, str]) -> None:
        self.answer = status, body.encode() if isinstance(body, str) else body, content_type, headers
        self.asked: list[tuple[web.Request, str]] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append((request, (await request.read()).decode()))
        status, body, content_type, headers = self.answer
        return web.Response(status=status, body=body, headers={"Content-Type": content_type, **headers})


@asynccontextmanager
async def serving(
    body: str | bytes, status: int = 200, content_type: str = "text/xml; charset=utf-8", **headers: str
) -> AsyncGenerator[tuple[Service, str]]:
    service = Service(status, body, content_type, headers)
    app = web.Application()
    app.router.add_route("*", r"/{path:[\s\S]*}", service.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield service, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def asked(settings: SoapSettings, *, key: str = "key-1", **arguments: Any) -> Any:
    connector = build_soap("desk", settings)
    async with connector.open(settings) as client:
        action = connector.actions["desk.act"]
        call = Call(client, key=key, timeout_s=5, tenant="acme", run_id="run")
        return await perform(action, call, action.arguments.model_validate(arguments))


async def told(answer: str | bytes, status: int = 200, content_type: str = "text/xml", **own: Any) -> Any:
    """Open a ticket at a service that gives this answer."""
    async with serving(answer, status, content_type) as (_, url):
        return await asked(settings_of("tickets.wsdl", base_url=url, act={**OPEN, **own}), ticket=TICKET)


@cache
def opening() -> tuple[Wsdl, Operation]:
    wsdl = read_wsdl(settings_of("tickets.wsdl", act=OPEN).wsdl, {"act": Wanted("OpenTicket")})
    operation = wsdl.operations["act"]
    assert isinstance(operation, Operation)
    return wsdl, operation
