"""The operations of a WSDL, as zeep reads it: which envelope, which action, what goes in and what comes out.

Read once, when the worker starts and before its event loop has work; `document`/`literal` and `rpc`/`literal` over HTTP, SOAP 1.1
and 1.2.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from connectors.lint import close_match
from connectors.soap.documents import DocumentError, Documents
from connectors.soap.fields import Complex, Field
from connectors.soap.schema_check import ROOT, SchemaCheck, SchemaError, wrapper
from connectors.soap.xml import WSDL, Element, elements
from connectors.soap.xml_types import TypesError, XmlTypes

SOAP_11: Final = "http://schemas.xmlsoap.org/wsdl/soap/"
SOAP_12: Final = "http://schemas.xmlsoap.org/wsdl/soap12/"
ENVELOPES: Final = {
    "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
    "1.2": "http://www.w3.org/2003/05/soap-envelope",
}


class OperationError(ValueError):
    """An operation cannot be called; the message says why, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is in the body of an envelope.

    Attributes:
        tag: of its one element; None where the body is empty.
        fields: what that element holds.
        alone: whether that element is a single value, which is then its only field.
        checked_as: the tag it is checked as: its own, or that of a wrapper which no schema declares.
    """

    tag: str | None
    fields: tuple[Field, ...] = ()
    alone: bool = False
    checked_as: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation at one port.

    Attributes:
        name: as the WSDL has it.
        version: of SOAP, `1.1` or `1.2`.
        action: the SOAPAction, or an empty string.
        request: what is sent.
        reply: what comes back; None where nothing does.
        said: its documentation.
    """

    name: str
    version: str
    action: str
    request: Message
    reply: Message | None
    said: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """An operation as the configuration names it."""

    operation: str
    service: str | None = None
    port: str | None = None


@dataclass(slots=True)
class Wsdl:
    """A WSDL that has been read.

    Attributes:
        documents: its files.
        types: what its schemas declare.
        check: the same, compiled.
        operations: those that are wanted, or why one cannot be called.
    """

    documents: Documents
    types: XmlTypes
    check: SchemaCheck
    operations: Mapping[str, Operation | OperationError] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class _Found:
    """A wanted operation as zeep has it."""

    concrete: Any
    binding: Any
    version: str
    style: str


def read_wsdl(file: Path, wanted: Mapping[str, Wanted]) -> Wsdl:
    """Read a WSDL and what it imports.

    Args:
        file: the WSDL.
        wanted: operations, by what they shall be called.

    Raises:
        DocumentError: it cannot be read, or its schemas cannot be used.
    """
    documents = Documents(file)
    document = _document(documents)
    encoded = set(_encoded(documents))
    found = {verb: _outcome(_find, document, each, encoded) for verb, each in wanted.items()}
    wrappers = [
        wrapper(_wrapper_name(verb, way), list(_parts(message)))
        for verb, each in found.items()
        if isinstance(each, _Found) and each.style == "rpc"
        for way, message in _messages(each)
    ]
    schemas = documents.schemas()
    try:
        check = SchemaCheck(schemas, wrappers)
    except SchemaError as error:
        raise DocumentError(f"the schemas of {file.name} cannot be used: {error}") from error
    types = XmlTypes(schemas)
    operations = {
        verb: each if isinstance(each, OperationError) else _outcome(_operation, documents, types, verb, each)
        for verb, each in found.items()
    }
    return Wsdl(documents, types, check, operations)


def _document(documents: Documents) -> Any:
    zeep: Any = import_module("zeep.wsdl")
    settings: Any = import_module("zeep.settings")
    exceptions: Any = import_module("zeep.exceptions")
    lxml: Any = import_module("lxml.etree")
    # `forbid_external` would refuse in zeep's words what `documents` refuses with the way out.
    strict = settings.Settings(strict=True, forbid_dtd=True, forbid_external=False, force_https=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of messages that nobody wants; a wanted one is refused below
            return zeep.Document(str(documents.wsdl.resolve()), documents, settings=strict)
    except (
        exceptions.Error,
        lxml.LxmlError,
        LookupError,
        NotImplementedError,
        AttributeError,
        TypeError,
    ) as error:
        raise DocumentError(
            f"{documents.wsdl.name} is no WSDL that zeep reads: {str(error)[:300]}"
        ) from error
    except ValueError as error:
        if isinstance(error, DocumentError):
            raise
        raise DocumentError(
            f"{documents.wsdl.name} is no WSDL that zeep reads: {str(error)[:300]}"
        ) from error
    except RecursionError:
        raise DocumentError(
            f"{documents.wsdl.name} is nested too deep: a long chain of imports, or types made of themselves"
        ) from None


def _find(document: Any, wanted: Wanted, encoded: set[str]) -> _Found:
    services = document.services
    if wanted.service is not None and wanted.service not in services:
        raise OperationError(f"no service {wanted.service}; there is {', '.join(services)}")
    found: list[tuple[str, Any]] = []
    names: list[str] = []
    for service in services.values():
        if wanted.service not in {None, service.name}:
            continue
        for port in service.ports.values():
            names += (
                [operation.name for operation in port.binding.all().values()]
                if _version(port.binding)
                else []
            )
            if (
                wanted.port in {None, port.name}
                and _version(port.binding)
                and wanted.operation in port.binding.all()
            ):
                found.append((f"{service.name}.{port.name}", port.binding))
    if not found:
        raise OperationError(f"no operation {wanted.operation} there.{close_match(wanted.operation, names)}")
    # A port for each version of SOAP is usual; they say the same, and 1.1 is spoken everywhere.
    found.sort(key=lambda each: str(_version(each[1])))
    binding = found[0][1]
    # Ports of one binding differ in their address only, and that is the configuration's to say.
    others = [name for name, each in found if each is not binding and _version(each) == _version(binding)]
    if others:
        raise OperationError(
            f"{wanted.operation} is at {found[0][0]}, {', '.join(others)}: say service and port"
        )
    concrete = binding.get(wanted.operation)
    if f"{binding.name.localname}.{wanted.operation}" in encoded:
        raise OperationError(
            f"{wanted.operation} is use=encoded, which nobody can check: ask for a literal binding"
        )
    return _Found(concrete, binding, str(_version(binding)), concrete.style or binding.default_style)


def _operation(documents: Documents, types: XmlTypes, verb: str, found: _Found) -> Operation:
    concrete = found.concrete
    made: dict[str, Message] = {}
    for way, message in _messages(found):
        if found.style == "rpc":
            made[way] = _rpc(types, verb, way, message)
        else:
            made[way] = _document_message(types, message)
    one_way = concrete.abstract.output_message is None
    return Operation(
        concrete.name,
        found.version,
        concrete.soapaction or "",
        made.get("request", Message(None)),
        None if one_way else made.get("reply", Message(None)),
        _documentation(documents, found.binding.port_name.localname, concrete.name),
    )


def _rpc(types: XmlTypes, verb: str, way: str, message: Any) -> Message:
    fields = [Field(name, name, "element", types.type(tag)) for name, tag in _parts(message)]
    tag = message.body.qname.text if message.body is not None else None
    return Message(tag, tuple(fields), checked_as=f"{{{ROOT}}}{_wrapper_name(verb, way)}")


def _document_message(types: XmlTypes, message: Any) -> Message:
    parts = _body_parts(message)
    if not parts:
        return Message(None)
    if len(parts) > 1:
        raise OperationError("its message has several parts in the body, which document style does not allow")
    ((name, part),) = parts.items()
    if part.element is None:
        raise OperationError(f"part {name} has a type and no element, which document style does not allow")
    tag = part.element.qname.text
    element = types.element(tag)
    if isinstance(element.type, Complex):
        return Message(tag, types.fields(element.type), checked_as=tag)
    return Message(tag, (element,), alone=True, checked_as=tag)


def _messages(found: _Found) -> Iterator[tuple[str, Any]]:
    for way, message in (("request", found.concrete.input), ("reply", found.concrete.output)):
        if message is not None and getattr(message, "body", None) is not None:
            yield way, message


def _parts(message: Any) -> Iterator[tuple[str, str]]:
    """Yield name and tag of the type of each part of an rpc message; raises OperationError."""
    for name, part in _body_parts(message).items():
        if part.type is None:
            raise OperationError(f"part {name} has an element and no type, which rpc style does not allow")
        yield name, part.type.qname.text


def _body_parts(message: Any) -> Mapping[str, Any]:
    headers = {name for name, _ in message.header.type.elements} if message.header is not None else set[str]()
    return {name: part for name, part in message.abstract.parts.items() if name not in headers}


def _outcome(step: Any, *arguments: Any) -> Any:
    """Return what a step returns, or the error that says why there is none."""
    try:
        return step(*arguments)
    except OperationError as error:
        return error
    except TypesError as error:
        return OperationError(str(error))


def _wrapper_name(verb: str, way: str) -> str:
    return f"{verb}.{way}"


def _version(binding: Any) -> str | None:
    spoken = getattr(binding, "nsmap", {}).get("soap") if hasattr(binding, "default_style") else None
    return {SOAP_11: "1.1", SOAP_12: "1.2"}.get(str(spoken))


def _encoded(documents: Documents) -> Iterator[str]:
    """Yield `binding.operation` of those that say use=encoded."""
    for root in documents.roots():
        for binding in elements(root, f"{{{WSDL}}}binding"):
            for operation in elements(binding, f"{{{WSDL}}}operation"):
                bodies: Sequence[Element] = list(operation.iter(f"{{{SOAP_11}}}body", f"{{{SOAP_12}}}body"))
                if any(each.get("use") == "encoded" for each in bodies):
                    yield f"{binding.get('name')}.{operation.get('name')}"


def _documentation(documents: Documents, port_type: str, operation: str) -> str:
    """Return what the WSDL says of an operation; zeep does not keep it."""
    for root in documents.roots():
        for node in elements(root, f"{{{WSDL}}}portType"):
            for each in elements(node, f"{{{WSDL}}}operation"):
                if (node.get("name"), each.get("name")) == (port_type, operation):
                    said = (
                        " ".join(found.itertext()) for found in elements(each, f"{{{WSDL}}}documentation")
                    )
                    return " ".join(" ".join(said).split())
    return ""
