"""What a fault, a status or an empty body says of the effect, from a real server on loopback."""

import pytest

from connectors.errors import BusyError, FailedError, InDoubtError, UnusableResultError
from tests.connectors.soap.answering import (
    ENVELOPE_12,
    GUID,
    READ,
    TICKET,
    asked,
    enveloped,
    fault,
    opened,
    serving,
    told,
)
from tests.connectors.soap.services import NOTIFY, OPEN, RESERVE, settings_of


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
