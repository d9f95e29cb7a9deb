"""The operations of a WSDL, as zeep reads it: which envelope, which action, what goes in and what comes out.

Read once, when the worker starts and before its event loop has work; `document`/`literal` and `rpc`/`literal` over HTTP, SOAP 1.1
and 1.2.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from connectors.soap.documents import DocumentError, Documents
from connectors.soap.fields import Complex, Field
from connectors.soap.ports import Found, OperationError, Wanted, documentation, encoded, find
from connectors.soap.schema_check import ROOT, SchemaCheck, SchemaError, wrapper
from connectors.soap.xml_types import TypesError, XmlTypes


@dataclass(frozen=True, slots=True)
class Message:
    """What is in the body of an envelope.

    Attributes:
        tag: of its one element; None where the body is empty, and for an `rpc` reply, whose wrapper may have any name.
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


@dataclass(slots=True)
class Wsdl:
    """A WSDL that has been read.

    Attributes:
        types: what its schemas declare.
        check: the same, compiled.
        operations: those that are wanted, or why one cannot be called.
    """

    types: XmlTypes
    check: SchemaCheck
    operations: Mapping[str, Operation | OperationError] = field(default_factory=dict[str, Any])


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
    encodings = set(encoded(documents))
    found = {verb: _outcome(find, document, each, encodings) for verb, each in wanted.items()}
    wrappers = [
        wrapper(_wrapper_name(verb, way), parts)
        for verb, each in found.items()
        if isinstance(each, Found) and each.style == "rpc"
        for way, parts in (("request", each.request), ("reply", each.reply))
        if parts is not None
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
    return Wsdl(types, check, operations)


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
        # What zeep raises by itself, undocumented, for what it has not built or did not expect.
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


def _operation(documents: Documents, types: XmlTypes, verb: str, found: Found) -> Operation:
    if found.style == "rpc":
        request = _rpc(types, found.tag, _wrapper_name(verb, "request"), found.request)
        name = _wrapper_name(verb, "reply")
        reply = None if found.reply is None else _rpc(types, None, name, found.reply)
    else:
        request = _document_message(types, found.request)
        reply = None if found.reply is None else _document_message(types, found.reply)
    said = documentation(documents, found.port_type, found.name)
    return Operation(found.name, found.version, found.action, request, reply, said)


def _rpc(types: XmlTypes, tag: str | None, name: str, parts: Sequence[tuple[str, str]]) -> Message:
    fields = [Field(part, part, "element", types.type(kind)) for part, kind in parts]
    return Message(tag, tuple(fields), checked_as=f"{{{ROOT}}}{name}")


def _document_message(types: XmlTypes, parts: Sequence[tuple[str, str]]) -> Message:
    if not parts:
        return Message(None)
    ((_, tag),) = parts
    element = types.element(tag)
    if isinstance(element.type, Complex):
        return Message(tag, types.fields(element.type), checked_as=tag)
    return Message(tag, (element,), alone=True, checked_as=tag)


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
