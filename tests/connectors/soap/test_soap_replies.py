"""What an answer of HTTP says of the effect: from a real server on loopback, whatever it may send."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.action import Call
from connectors.errors import ActionError, BusyError, FailedError, InDoubtError, UnusableResultError
from connectors.http import HttpAnswer
from connectors.perform import perform
from connectors.secret import Secret
from connectors.soap.faults import FaultRules, raise_fault
from connectors.soap.kind import build_soap
from connectors.soap.ports import Wanted
from connectors.soap.reply import read_reply
from connectors.soap.settings import Auth, SoapSettings, WsSecurity
from connectors.soap.wsdl import Operation, Wsdl, read_wsdl
from tests.connectors.soap.services import NOTIFY, OPEN, PAY, RESERVE, settings_of

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


async def test_a_result_is_read_by_the_types_of_the_wsdl() -> None:
    assert await told(opened(), result="OpenTicketResult") == {
        "Title": "It broke",
        "Severity": "Low",
        "Hours": "1.50",
        "Level": 3,
        "Id": GUID,
        "Serial": "18446744073709551615",
        "version": 2,
    }
    nil = 'xsi:nil="true" version="2" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    assert await told(opened("", nil)) == {"OpenTicketResult": None}
    assert await told(
        opened(), result_fields={"id": "OpenTicketResult.Id", "due": "OpenTicketResult.Due"}
    ) == {"id": GUID}
    assert await told(opened(), result_fields=["OpenTicketResult.Id"]) == {"OpenTicketResult": {"Id": GUID}}
    assert (
        await told(
            enveloped('<OpenTicketResponse xmlns="http://tickets.example/"/>'), result="OpenTicketResult"
        )
        is None
    )


async def test_a_recursive_result_a_wildcard_and_a_wrapper_of_any_name_are_read() -> None:
    receipt = (
        '<x:anyName xmlns:x="urn:whatever"><receipt xmlns:t="urn:example:payments:types"><t:id>7</t:id>'
        '<t:paid currency="EUR">12.50</t:paid><t:at>2026-11-28T12:00:00</t:at><t:node><t:name>a</t:name>'
        "<t:child><t:name>b</t:name></t:child></t:node></receipt></x:anyName>"
    )
    payment = {
        "payer": "ann",
        "amount": {"value": "12.50", "currency": "EUR"},
        "iban": "DE89370400440532013000",
        "reason": None,
    }
    async with serving(enveloped(receipt)) as (service, url):
        result = await asked(settings_of("payments.wsdl", base_url=url, act=PAY), payment=payment, tries=1)
    assert result["receipt"] == {
        "id": 7,
        "paid": {"value": "12.50", "currency": "EUR"},
        "at": "2026-11-28T12:00:00",
        "node": {"name": "a", "child": [{"name": "b", "child": []}]},
    }
    assert 'schemaVersion="2"' in service.asked[0][1]


@pytest.mark.parametrize(
    "reply",
    [
        opened(OPENED.replace("<Hours>1.50</Hours>", "")),
        opened(OPENED.replace("1.50", "a lot")),
        opened(OPENED.replace("Low", "Medium")),
        opened(OPENED + "<Serial>1</Serial>"),
        opened(OPENED.replace(f"<Id>{GUID}</Id>", "")),
        opened(attributes=""),
        opened(attributes='version="2" extra="1"'),
        opened().replace("OpenTicketResponse", "CloseTicketResponse"),
        opened().replace("http://tickets.example/data", "http://tickets.example/v2/data"),
        opened().replace(ENVELOPE, ENVELOPE_12),
        opened().replace("</e:Body>", '<OpenTicketResponse xmlns="http://tickets.example/"/></e:Body>'),
        enveloped(""),
        "<html><body>Welcome</body></html>",
        opened()[:-20],
        "",
    ],
)
async def test_a_reply_that_does_not_fit_leaves_the_outcome_of_a_write_open(reply: str) -> None:
    with pytest.raises(UnusableResultError) as unusable:
        await told(reply)
    assert not unusable.value.executed
    assert not any(value in str(unusable.value) for value in ("a lot", "Medium", "Welcome"))


@pytest.mark.parametrize(
    "content_type", ["text/html", "application/json", "multipart/related", "application/octet-stream"]
)
async def test_an_answer_that_is_no_xml_by_its_own_words_may_be_anybodys(content_type: str) -> None:
    with pytest.raises(InDoubtError) as doubt:
        await told("<html>Please sign in</html>", content_type=content_type)
    assert not isinstance(doubt.value, UnusableResultError)


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "bomb",
    [
        f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]><x>&l9;</x>',
        f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]><x a="&l9;"/>',
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><x/>',
        '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;]><x/>',
        enveloped("<a>" * 5_000 + "</a>" * 5_000),
        enveloped("<a>" * 200 + "</a>" * 200),
        opened(OPENED.replace("It broke", "x" * 100_000)),
        opened().replace('version="2"', " ".join(f'a{n}="1"' for n in range(5_000))),
        b"\xff\xfe" + '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x><x/>'.encode("utf-16-le"),
    ],
    ids=[
        "laughs",
        "laughs in an attribute",
        "file",
        "dtd",
        "parameter",
        "deep",
        "deeper",
        "long",
        "wide",
        "utf-16",
    ],
)
async def test_a_bomb_in_a_reply_is_refused_soon_and_leaves_the_outcome_open(bomb: str | bytes) -> None:
    async with asyncio.timeout(4):
        with pytest.raises(UnusableResultError) as unusable:
            await told(bomb)
    assert "root:" not in str(unusable.value)


_WHOLE = opened().encode()
_PIECES = st.sampled_from(
    [b"<", b">", b"&", b"<![CDATA[", b"<!--", b"</", b"\x00", b"\xff", b"<!DOCTYPE x>", b"<e:Fault/>", b'"']
)


@given(
    at=st.integers(0, len(_WHOLE)),
    length=st.integers(0, 60),
    put=_PIECES | st.binary(max_size=8),
    status=st.sampled_from([200, 202, 204, 302, 400, 404, 500, 503]),
    content_type=st.sampled_from(
        ["text/xml", "application/soap+xml", "text/html", "", "text/xml; charset=utf-16"]
    ),
)
@example(at=0, length=0, put=b"", status=200, content_type="text/xml")
def test_whatever_comes_is_a_result_that_fits_or_an_error_of_the_contract(
    at: int, length: int, put: bytes, status: int, content_type: str
) -> None:
    wsdl, operation = opening()
    body = _WHOLE[:at] + put + _WHOLE[at + length :]
    try:
        reply = read_reply(
            wsdl, operation, HttpAnswer(status, {"Content-Type": content_type}, body), changes=True
        )
    except ActionError:
        return
    if reply.fault is not None:
        with pytest.raises((FailedError, InDoubtError)):
            raise_fault(reply.fault, FaultRules(), changes=True)
    else:
        assert status < 300
        assert reply.result.keys() <= {"OpenTicketResult"}


@cache
def opening() -> tuple[Wsdl, Operation]:
    wsdl = read_wsdl(settings_of("tickets.wsdl", act=OPEN).wsdl, {"act": Wanted("OpenTicket")})
    operation = wsdl.operations["act"]
    assert isinstance(operation, Operation)
    return wsdl, operation


async def test_a_huge_reply_is_refused_by_its_size() -> None:
    with pytest.raises(UnusableResultError) as unusable:
        await told(opened(OPENED.replace("It broke", "x" * 2_000_000)))
    assert unusable.value.code == "result_too_large"


@pytest.mark.parametrize(
    ("answer", "status", "raises"),
    [
        (fault("e:Client"), 500, FailedError),
        (fault("e:Client.Limits"), 200, FailedError),
        (fault("Sender"), 400, FailedError),
        (fault("e:MustUnderstand"), 500, FailedError),
        (fault("e:Server"), 500, InDoubtError),
        (fault("e:Server"), 200, InDoubtError),
        (fault("e:Server.Client"), 500, InDoubtError),
        (fault("x:OurOwn"), 500, InDoubtError),
        (fault("x:Client"), 500, InDoubtError),
        (fault("e:Server", "no", "<Client/>"), 500, InDoubtError),
        (fault("e:Server", "no", "<FailedAuthentication/>"), 500, InDoubtError),
        (fault("e:Server"), 503, BusyError),
        (fault(""), 500, InDoubtError),
        (opened(), 500, InDoubtError),
        ("<html>Bad gateway</html>", 502, InDoubtError),
        ("<html>Broken</html>", 500, InDoubtError),
        ("", 500, InDoubtError),
        ("<html>No such page</html>", 404, FailedError),
        ("", 401, FailedError),
        ("", 403, FailedError),
        ("", 429, BusyError),
        ("<html>Later</html>", 503, BusyError),
        ("", 302, InDoubtError),
        ("", 301, FailedError),
    ],
)
@pytest.mark.parametrize("content_type", ["text/xml; charset=utf-8"])
async def test_status_and_fault_say_what_became_of_a_write(
    answer: str, status: int, raises: type[Exception], content_type: str
) -> None:
    with pytest.raises(raises):
        await told(answer, status, content_type)


async def test_faults_of_the_section_say_what_they_mean_by_any_of_their_names() -> None:
    detail = '<x:OrderFault xmlns:x="urn:x"><x:errorCode>DUP_ORDER</x:errorCode></x:OrderFault>'
    for name in ("DUP_ORDER", "OrderFault", "Server"):
        with pytest.raises(FailedError) as refused:
            await told(fault("e:Server", "known", detail), 500, refusals=[name])
        assert refused.value.code == "dup_order"
    with pytest.raises(InDoubtError):
        await told(fault("e:Server", "DUP_ORDER", "<x>DUP_ORDER</x>"), 500, refusals=["DUP_ORDER"])
    with pytest.raises(BusyError):
        await told(fault("e:Server.TooBusy"), 500, busy=["TooBusy"])


async def test_a_fault_of_1_2_is_read_by_its_subcodes_and_a_fault_of_the_other_version_too() -> None:
    def of_12(value: str, sub: str) -> str:
        return enveloped(
            f"<e:Fault><e:Code><e:Value>e:{value}</e:Value><e:Subcode><e:Value>x:{sub}</e:Value></e:Subcode></e:Code>"
            f'<e:Reason><e:Text xml:lang="en">because</e:Text></e:Reason></e:Fault>',
            ENVELOPE_12,
        )

    for port in ("Port11", "Port12"):
        with pytest.raises(FailedError, match="TooMany: because") as refused:
            await told(of_12("Sender", "TooMany"), 400, "application/soap+xml", port=port)
        assert refused.value.code == "too_many"
        with pytest.raises(InDoubtError):
            await told(of_12("Receiver", "Sender"), 500, "application/soap+xml", port=port)


async def test_sap_says_its_exception_by_name() -> None:
    detail = '<n:Z_MATERIAL_RESERVE.Exception xmlns:n="urn:x"><Name>NOT_ENOUGH</Name></n:Z_MATERIAL_RESERVE.Exception>'
    async with serving(fault("e:Client", "no", detail), 500) as (service, url):
        settings = settings_of("materials.wsdl", base_url=url, act=RESERVE)
        items = {"item": [{"MATNR": "1", "MENGE": "2.000", "BDTER": "2026-12-24"}]}
        with pytest.raises(FailedError) as refused:
            await asked(settings, MATERIAL="1", PLANT="1000", ITEMS=items)
    assert refused.value.code == "not_enough"
    assert service.asked[0][0].headers["SOAPAction"] == '""'


async def test_a_key_is_cut_to_what_its_element_takes() -> None:
    async with serving(fault("e:Client"), 500) as (service, url):
        settings = settings_of("materials.wsdl", base_url=url, act={**RESERVE, "key_element": "MATERIAL"})
        with pytest.raises(FailedError):
            await asked(settings, PLANT="1000", ITEMS={"item": []}, key="0123456789abcdef0123456789abcdef")
    assert "<MATERIAL>0123456789abcdef01</MATERIAL>" in service.asked[0][1]


@pytest.mark.parametrize("answer", [fault("e:Server"), opened().replace("Open", "Close")])
async def test_a_read_that_gets_no_result_has_failed(answer: str) -> None:
    async with serving(answer, 200) as (_, url):
        settings = settings_of("tickets.wsdl", base_url=url, act=READ)
        with pytest.raises((FailedError, UnusableResultError)):
            await asked(settings, id=GUID)


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_an_empty_answer_is_the_end_of_a_one_way_operation_only(status: int) -> None:
    async with serving("", status) as (_, url):
        assert await asked(settings_of("tickets.wsdl", base_url=url, act=NOTIFY), text="hear") is None
        with pytest.raises(UnusableResultError):
            await asked(settings_of("tickets.wsdl", base_url=url, act=OPEN), ticket=TICKET)


async def test_what_is_sent_goes_to_the_endpoint_with_action_login_key_and_query() -> None:
    password = SecretStr("long-password-of-the-desk")
    async with serving(opened()) as (service, url):
        settings = settings_of(
            "tickets.wsdl", base_url=f"{url}/sap/bc%20srt/", act={**OPEN, "key_header": "X-Request-Id"}
        )
        settings = settings.model_copy(update={"query": {"sap-client": "100"}})
        auth = {"basic": {"user": "ann", "password": password}}
        settings = SoapSettings.model_validate({**settings.model_dump(), "auth": auth})
        await asked(settings, ticket={**TICKET, "Title": "<b>&]]>"})
    ((request, body),) = service.asked
    assert request.raw_path == "/sap/bc%20srt/?sap-client=100"
    assert request.headers["SOAPAction"] == '"http://tickets.example/OpenTicket"'
    assert request.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert request.headers["Authorization"].startswith("Basic ")
    assert request.headers["X-Request-Id"] == "key-1"
    assert "&lt;b&gt;&amp;]]&gt;" in body
    assert "elsewhere.example" not in body
    assert "long-password" not in repr(settings)


class Rotating:
    """A secret that is another one once it was refused."""

    reference = "{env: DESK}"

    def __init__(self) -> None:
        self.values = ["long-password-before", "long-password-after"]

    async def fetch(self) -> str:
        return self.at_hand()

    def at_hand(self) -> str:
        return self.values[0]

    def forget(self) -> None:
        self.values = self.values[-1:]


async def test_a_password_of_the_envelope_that_was_rotated_is_tried_once() -> None:
    refused = fault("FailedAuthentication", "who are you?")
    async with serving(refused, 500) as (service, url):
        settings = settings_of("tickets.wsdl", base_url=url, act=OPEN)
        login = WsSecurity(user="ann", password=Secret(Rotating()))
        settings = settings.model_copy(update={"auth": Auth(ws_security=login)})
        with pytest.raises(FailedError) as error:
            await asked(settings, ticket=TICKET)
    assert error.value.code == "failed_authentication"
    assert ["before" in body for _, body in service.asked] == [True, False]
    assert ["after" in body for _, body in service.asked] == [False, True]
    assert "long-password" not in f"{error.value!r} {settings!r}"


async def test_verdicts_of_threads_do_not_mix() -> None:
    wsdl, operation = opening()
    misfits = {"Hours": "<Hours>1.50</Hours>", "Id": f"<Id>{GUID}</Id>", "Level": "<Level>3</Level>"}

    def verdict(name: str) -> str:
        body = opened(OPENED.replace(misfits[name], f"<{name}>none</{name}>") if name else OPENED).encode()
        answer = HttpAnswer(200, {"Content-Type": "text/xml"}, body)
        try:
            read_reply(wsdl, operation, answer, changes=True, elsewhere=True)
        except UnusableResultError as error:
            return str(error)
        return ""

    names = ["", *misfits] * 25
    verdicts = await asyncio.gather(*(asyncio.to_thread(verdict, name) for name in names))
    for name, said in zip(names, verdicts, strict=True):
        assert said.startswith(
            f"the reply does not fit its WSDL: OpenTicketResult.{name} is " if name else ""
        )
        assert bool(said) == bool(name)


async def test_nothing_of_a_redirect_is_followed() -> None:
    async with serving("", 200) as (other, elsewhere), serving("", 307, Location=elsewhere) as (_, url):
        with pytest.raises(FailedError):
            await asked(settings_of("tickets.wsdl", base_url=url, act=OPEN), ticket=TICKET)
    assert other.asked == []


async def test_the_other_address_of_the_wsdl_is_never_called(tmp_path: Path) -> None:
    async with serving(opened()) as (other, elsewhere), serving(opened()) as (service, url):
        text = (settings_of("tickets.wsdl", act=OPEN).wsdl).read_text(encoding="utf-8")
        file = tmp_path / "moved.wsdl"
        file.write_text(text.replace("http://elsewhere.example", elsewhere), encoding="utf-8")
        settings = settings_of("tickets.wsdl", base_url=url, act=OPEN).model_copy(update={"wsdl": file})
        await asked(settings, ticket=TICKET)
    assert len(service.asked) == 1
    assert other.asked == []
