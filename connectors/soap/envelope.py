"""What is sent: the envelope of one call, built by zeep, checked against the schemas, with the login in its header. Pure.

Nothing is sent that does not fit, so what the JSON Schema of arguments cannot say is refused here, and nothing has happened then.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from connectors.errors import FailedError
from connectors.soap.arguments import for_zeep
from connectors.soap.schema_check import MisfitError
from connectors.soap.wsdl import ENVELOPES, Operation, Wsdl
from connectors.soap.xml import Element, etree, standalone

_CODE: Final = "invalid_arguments"


def build(wsdl: Wsdl, operation: Operation, arguments: Mapping[str, Any]) -> Element:
    """Return the envelope of a call.

    Raises:
        FailedError: code `invalid_arguments`: they do not fit the WSDL. The message names places and rules, and no value.
    """
    request = operation.request
    concrete = operation.binding.get(operation.name)
    try:
        if request.alone:
            (only,) = request.fields
            envelope = concrete.create(arguments.get(only.name)).content
        else:
            envelope = concrete.create(**for_zeep(wsdl.types, request.fields, arguments)).content
    except Exception as error:  # noqa: BLE001 - zeep and lxml raise a dozen kinds for values that they cannot write
        # Their words repeat the values, so they are not told.
        why = f"{operation.name} cannot be built of these arguments ({type(error).__name__})"
        raise FailedError(why, code=_CODE) from None
    body = envelope.find(f"{{{ENVELOPES[operation.version]}}}Body")
    for element in body:
        try:
            wsdl.check.check(checked(element, request.checked_as))
        except MisfitError as error:
            raise FailedError(f"{operation.name} does not fit its WSDL: {error}", code=_CODE) from None
    return envelope


def checked(element: Element, tag: str | None) -> Element:
    """Return what an element is checked as: itself, or a copy under the tag of the wrapper that is declared for it."""
    if tag is None or element.tag == tag:
        return element
    made = standalone(element)
    made.tag = tag
    return made


def with_username_token(envelope: Element, user: str, password: str, *, digest: bool) -> Element:
    """Return the envelope with a UsernameToken (WS-Security 1.0) in its header; the envelope is changed."""
    zeep: Any = import_module("zeep.wsse.username")
    token = zeep.UsernameToken(user, password, use_digest=digest, zulu_timestamp=True)
    made, _ = token.apply(envelope, {})
    return made


def headers(operation: Operation) -> tuple[tuple[str, str], ...]:
    """Return the HTTP headers that say what is sent."""
    if operation.version == "1.2":
        action = f'; action="{operation.action}"' if operation.action else ""
        return (
            ("Content-Type", f"application/soap+xml; charset=utf-8{action}"),
            ("Accept", "application/soap+xml, text/xml"),
        )
    return (
        ("Content-Type", "text/xml; charset=utf-8"),
        ("Accept", "text/xml, application/soap+xml"),
        ("SOAPAction", f'"{operation.action}"'),
    )


def written(envelope: Element) -> bytes:
    """Return an envelope as it is sent."""
    return etree().tostring(envelope, encoding="utf-8", xml_declaration=True)
