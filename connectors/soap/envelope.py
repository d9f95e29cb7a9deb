"""What is sent: the envelope of one call, written by the types of its WSDL, checked against them, with the login in its header. Pure.

Every argument is written or the call is refused, and nothing is sent that does not fit; so what the JSON Schema of arguments cannot
say is refused here, and nothing has happened then.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Final, cast

from connectors.errors import FailedError
from connectors.soap.fields import Complex, Field
from connectors.soap.schema_check import MisfitError
from connectors.soap.simple_types import written_value
from connectors.soap.wsdl import Operation, Wsdl
from connectors.soap.xml import ENVELOPES, XSI, Element, etree, standalone
from connectors.soap.xml_types import XmlTypes

_CODE: Final = "invalid_arguments"


def build(wsdl: Wsdl, operation: Operation, arguments: Mapping[str, Any]) -> Element:
    """Return the envelope of a call.

    Raises:
        FailedError: code `invalid_arguments`: they do not fit the WSDL. The message names places and rules, and no value.
    """
    space = ENVELOPES[operation.version]
    envelope = etree().Element(f"{{{space}}}Envelope", nsmap={"soap": space, "xsi": XSI})
    body = etree().SubElement(envelope, f"{{{space}}}Body")
    request = operation.request
    if request.tag is None:
        return envelope
    element = etree().SubElement(body, request.tag)
    try:
        if request.alone:
            (only,) = request.fields
            _write_content(wsdl.types, element, only, arguments.get(only.name))
        else:
            _write(wsdl.types, element, request.fields, arguments)
        wsdl.check.check(checked(element, request.checked_as))
    except (MisfitError, TypeError) as error:
        raise FailedError(f"{operation.name} does not fit its WSDL: {error}", code=_CODE) from None
    except ValueError:  # lxml's, whose words are about bytes
        why = f"{operation.name}: a text has a character that XML cannot say"
        raise FailedError(why, code=_CODE) from None
    return envelope


def _write(types: XmlTypes, parent: Element, fields: Sequence[Field], values: Mapping[str, Any]) -> None:
    unknown = values.keys() - {each.name for each in fields}
    if unknown:
        raise TypeError(f"there is no {', '.join(sorted(unknown))}")
    for each in fields:
        if each.name not in values:
            continue
        value = values[each.name]
        if each.place == "element":
            several = cast("list[Any]", value) if each.many and isinstance(value, list) else [value]
            for one in several:
                _write_content(types, etree().SubElement(parent, each.tag), each, one)
        elif value is not None and not isinstance(each.type, Complex):
            said = written_value(each.type, value)
            if each.place == "attribute":
                parent.set(each.tag, said)
            else:
                parent.text = said


def _write_content(types: XmlTypes, element: Element, each: Field, value: Any) -> None:
    if value is None:
        element.set(f"{{{XSI}}}nil", "true")
    elif not isinstance(each.type, Complex):
        element.text = written_value(each.type, value)
    elif isinstance(value, Mapping):
        _write(types, element, types.fields(each.type), cast("Mapping[str, Any]", value))
    else:
        raise TypeError(f"{each.name} is no object")


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
