"""Messages that are seldom and allowed: bare values, empty bodies, types without a namespace; those that are not are refused."""

from typing import Any

import pytest

from connectors.kind import SettingsError
from tests.connectors.soap.answering import asked, enveloped, serving
from tests.connectors.soap.services import connector_of, mistakes_of, settings_of

ODD = {"effect": "write", "idempotency": "natural", "description": "Do it."}
BODY = '<o:{0} xmlns:o="urn:example:odds">{1}</o:{0}>'


async def done(operation: str, reply: str, **arguments: Any) -> tuple[Any, str]:
    """Return the result, and what is inside of the body that was sent."""
    async with serving(enveloped(reply)) as (service, url):
        result = await asked(
            settings_of("odds.wsdl", base_url=url, act={**ODD, "operation": operation}), **arguments
        )
    _, _, sent = service.asked[0][1].partition("Body>")
    return result, sent.partition("</soap:Body>")[0]


async def test_a_bare_value_is_one_argument_and_one_result() -> None:
    result, sent = await done("Spell", BODY.format("Words", "seven"), Number=7)
    assert result == {"Words": "seven"}
    assert ">7</" in sent
    assert "Session" not in sent


async def test_an_empty_message_has_an_empty_body() -> None:
    result, sent = await done("Touch", "")
    assert (result, sent) == (None, "")


async def test_an_rpc_message_without_parts_is_a_wrapper_without_children() -> None:
    result, sent = await done("Call", '<x:CallResponse xmlns:x="urn:x"/>')
    assert result == {}
    assert 'Call xmlns:ns0="urn:example:odds:rpc"/>' in sent


async def test_what_is_seldom_inside_a_message_comes_and_goes_by_its_names() -> None:
    rich = {
        "text": [{"value": "Hallo", "lang": "no"}, {"value": "Hello"}],
        "line": [{"sku": "P-1", "attr__sku": "p"}, {"sku": "P-2"}],
        "month": "2026-12",
        "either": "true",
    }
    reply = BODY.format(
        "Rich",
        '<o:text xml:lang="no">Hallo</o:text><o:text>Hello</o:text><o:line sku="p"><sku> P-1 </sku></o:line>'
        "<o:line><sku>P-2</sku></o:line><o:month>2026-12</o:month><o:either> true </o:either>",
    )
    result, sent = await done("Enrich", reply, **rich)
    assert result == rich
    assert 'xml:lang="no">Hallo<' in sent


@pytest.mark.parametrize(
    ("operation", "says"),
    [
        ("Draw", "Shape is abstract: others stand for it"),
        ("Pair", "several parts in the body"),
        ("Type", "part it of its message names no element, which document style needs"),
        ("Mix", "part words of its message names no type, which rpc style needs"),
    ],
)
def test_messages_that_cannot_be_sent_are_refused_with_the_reason(operation: str, says: str) -> None:
    with pytest.raises(SettingsError) as error:
        connector_of("odds.wsdl", act={**ODD, "operation": operation})
    assert says in mistakes_of(error)
