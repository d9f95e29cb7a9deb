"""What came back: one answer of HTTP, as the result of an operation or the one error that is true. Pure.

A reply counts if it is an envelope whose body has exactly the element that the WSDL promises and fits its schema. Everything else
of a write leaves open what happened: a page of a proxy, half of an envelope, a reply of a newer version.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from connectors.errors import InDoubtError, UnusableResultError
from connectors.http import HttpAnswer
from connectors.http_answer import read_answer
from connectors.soap.envelope import checked
from connectors.soap.faults import Fault, read_fault
from connectors.soap.results import members_of, result_of
from connectors.soap.schema_check import MisfitError
from connectors.soap.wsdl import Operation, Wsdl
from connectors.soap.xml import ENVELOPES, Element, XmlError, elements, parse

_BUSY: Final = frozenset((HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE))
_XML: Final = frozenset(("text/xml", "application/soap+xml", "application/xml"))


@dataclass(frozen=True, slots=True)
class Reply:
    """What a reply says.

    Attributes:
        result: JSON-like; None where nothing comes back.
        fault: what it says instead.
    """

    result: Any = None
    fault: Fault | None = None


def read_reply(
    wsdl: Wsdl, operation: Operation, answer: HttpAnswer, *, changes: bool, elsewhere: bool = False
) -> Reply:
    """Read one answer.

    Args:
        wsdl: whose types it is read by.
        operation: what was called.
        answer: whole.
        changes: whether it was a write.
        elsewhere: whether this is another thread than the event loop's.

    Raises:
        BusyError: 429 and 503, whatever is in them.
        FailedError: any other 3xx or 4xx without a fault in it.
        UnusableResultError: an envelope that is none, or does not fit the WSDL: of a write, outcome unknown.
        InDoubtError: whatever may be anybody's: no XML, or a 5xx without a fault in it.
    """
    if answer.status in _BUSY:
        read_answer(answer.status, answer.headers, answer.body, changes=changes)
    success = HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES
    if success and not answer.body.strip():
        if operation.reply is None:
            return Reply()
        raise UnusableResultError(f"HTTP {answer.status} with an empty body", executed=False)
    body = _body(operation, answer, success=success)
    if body is None:
        read_answer(answer.status, answer.headers, answer.body, changes=changes)
        raise InDoubtError(f"HTTP {answer.status} without an envelope")
    found = list(elements(body))
    fault = next((each for each in found if each.tag == f"{{{body.tag[1:].partition('}')[0]}}}Fault"), None)
    if fault is not None:
        return Reply(fault=read_fault(fault))
    if not success:
        raise InDoubtError(f"HTTP {answer.status} with an envelope that has no fault")
    return Reply(_result(wsdl, operation, found, elsewhere=elsewhere))


def _body(operation: Operation, answer: HttpAnswer, *, success: bool) -> Element | None:
    """Return the body of the envelope, or None where the answer is none of a SOAP service.

    Raises:
        InDoubtError: a success that is no XML by its own words.
        UnusableResultError: a success that says it is XML, and is no envelope.
    """
    said = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if said not in _XML:
        if success:
            raise InDoubtError(f"HTTP {answer.status} with {said[:100] or 'no content type'} in place of XML")
        return None
    try:
        root = parse(answer.body)
    except XmlError as error:
        if success:
            raise UnusableResultError(f"the reply {error}", executed=False) from error
        return None
    # A fault about the version may come in the other one.
    known = {f"{{{space}}}Envelope": space for space in ENVELOPES.values()}
    space = known.get(root.tag)
    body = None if space is None else root.find(f"{{{space}}}Body")
    if success and (body is None or space != ENVELOPES[operation.version]):
        raise UnusableResultError(f"the reply is no envelope of SOAP {operation.version}", executed=False)
    return body


def _result(wsdl: Wsdl, operation: Operation, found: list[Element], *, elsewhere: bool) -> Any:
    expected = operation.reply
    if expected is None or expected.checked_as is None:
        if found:
            raise UnusableResultError("the reply has a body where the WSDL promises none", executed=False)
        return None
    if len(found) != 1:
        raise UnusableResultError(
            f"the body of the reply has {len(found)} elements in place of one", executed=False
        )
    (element,) = found
    if expected.tag is not None and element.tag != expected.tag:
        raise UnusableResultError(
            f"the reply is not the {_name(expected.tag)} that the WSDL promises", executed=False
        )
    check = wsdl.check.check_elsewhere if elsewhere else wsdl.check.check
    try:
        check(checked(element, expected.checked_as))
    except MisfitError as error:
        raise UnusableResultError(f"the reply does not fit its WSDL: {error}", executed=False) from None
    if expected.alone:
        (only,) = expected.fields
        return {only.name: result_of(wsdl.types, element, only.type)}
    return members_of(wsdl.types, element, expected.fields)


def _name(tag: str | None) -> str:
    return (tag or "").rpartition("}")[2]
