"""What is sent, where to, and what proves who sends it: as a real server on loopback gets it."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from connectors.errors import FailedError
from connectors.secret import Secret
from connectors.soap.settings import SoapSettings, WsSecurity
from tests.connectors.soap.answering import TICKET, asked, fault, opened, serving
from tests.connectors.soap.services import OPEN, RESERVE, settings_of


async def test_a_key_is_cut_to_what_its_element_takes() -> None:
    async with serving(fault("e:Client"), 500) as (service, url):
        settings = settings_of("materials.wsdl", base_url=url, act={**RESERVE, "key_element": "MATERIAL"})
        with pytest.raises(FailedError):
            await asked(settings, PLANT="1000", ITEMS={"item": []}, key="0123456789abcdef0123456789abcdef")
    assert "<MATERIAL>0123456789abcdef01</MATERIAL>" in service.asked[0][1]


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
        settings = settings.model_copy(update={"ws_security": login})
        with pytest.raises(FailedError) as error:
            await asked(settings, ticket=TICKET)
    assert error.value.code == "failed_authentication"
    assert ["before" in body for _, body in service.asked] == [True, False]
    assert ["after" in body for _, body in service.asked] == [False, True]
    assert "long-password" not in f"{error.value!r} {settings!r}"


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
