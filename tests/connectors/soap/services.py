"""Services of the WSDLs beside: in the styles of .NET, SAP and older Java stacks."""

from pathlib import Path
from typing import Any

from connectors.connector import Connector
from connectors.soap.kind import build_soap
from connectors.soap.settings import SoapSettings

WSDLS = Path(__file__).parent / "wsdl"

OPEN = {"operation": "OpenTicket", "effect": "write", "idempotency": "natural"}
NOTIFY = {"operation": "Notify", "effect": "write", "description": "Tell everybody."}
RESERVE = {"operation": "Z_MATERIAL_RESERVE", "effect": "write", "description": "Reserve material."}
PAY = {
    "operation": "pay",
    "service": "Payments",
    "effect": "write",
    "description": "Pay.",
}


def settings_of(file: str, *, base_url: str = "http://127.0.0.1:9/desk", **operations: Any) -> SoapSettings:
    return SoapSettings.model_validate({"wsdl": WSDLS / file, "base_url": base_url, "operations": operations})


def connector_of(file: str, **operations: Any) -> Connector[Any]:
    return build_soap("desk", settings_of(file, **operations))


def mistakes_of(error: Any) -> str:
    return "; ".join(f"{'.'.join(each.at)}: {each.message}" for each in error.value.mistakes)
