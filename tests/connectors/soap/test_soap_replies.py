"""A reply is a result if it fits the WSDL; whatever else a real server on loopback may send leaves the outcome open."""

import asyncio

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.errors import ActionError, FailedError, InDoubtError, UnusableResultError
from connectors.http import HttpAnswer
from connectors.soap.faults import FaultRules, raise_fault
from connectors.soap.reply import read_reply
from tests.connectors.soap.answering import (
    ENVELOPE,
    ENVELOPE_12,
    GUID,
    OPENED,
    asked,
    enveloped,
    opened,
    opening,
    serving,
    told,
)
from tests.connectors.soap.services import PAY, settings_of


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


async def test_a_huge_reply_is_refused_by_its_size() -> None:
    with pytest.raises(UnusableResultError) as unusable:
        await told(opened(OPENED.replace("It broke", "x" * 2_000_000)))
    assert unusable.value.code == "result_too_large"


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
