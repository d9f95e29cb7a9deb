"""Operations at the ports of a WSDL, as zeep has them: which one is meant, and why it cannot be called. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from connectors.lint import close_match
from connectors.soap.documents import Documents
from connectors.soap.xml import WSDL, elements

SOAP_11: Final = "http://schemas.xmlsoap.org/wsdl/soap/"
SOAP_12: Final = "http://schemas.xmlsoap.org/wsdl/soap12/"


class OperationError(ValueError):
    """An operation cannot be called; the message says why, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An operation as the configuration names it."""

    operation: str
    service: str | None = None
    port: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A wanted operation.

    Attributes:
        name: as the WSDL has it.
        version: of SOAP.
        style: `rpc` or `document`.
        action: the SOAPAction, or an empty string.
        port_type: where the WSDL documents it.
        tag: of the wrapper that an `rpc` request has; empty for documents.
        request: the parts in the body of what is sent: name, and tag of the element, or of the type for `rpc`.
        reply: the same of what comes back; None where nothing does.
    """

    name: str
    version: str
    style: str
    action: str
    port_type: str
    tag: str
    request: tuple[tuple[str, str], ...]
    reply: tuple[tuple[str, str], ...] | None


def find(document: Any, wanted: Wanted, encoded: set[str]) -> Found:
    """Return the operation that is wanted, at the port that is named or else speaks SOAP 1.1.

    Args:
        document: zeep's.
        wanted: as the configuration names it.
        encoded: `binding.operation` of those that cannot be checked.

    Raises:
        OperationError: there is none, there are several, or its messages cannot be sent.
    """
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
    style = concrete.style or binding.default_style
    abstract = concrete.abstract
    if concrete.input is None or abstract.input_message is None:
        raise OperationError(f"{wanted.operation} has no input message")
    replies = abstract.output_message is not None
    return Found(
        concrete.name,
        str(_version(binding)),
        style,
        concrete.soapaction or "",
        binding.port_name.localname,
        concrete.input.body.qname.text if style == "rpc" else "",
        tuple(_parts(concrete.input, abstract.input_message, style)),
        tuple(_parts(concrete.output, abstract.output_message, style)) if replies else None,
    )


def _parts(concrete: Any, abstract: Any, style: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of a message that are in its body."""
    header = getattr(concrete, "header", None)
    headers = {name for name, _ in header.type.elements} if header is not None else set[str]()
    parts: Mapping[str, Any] = {name: part for name, part in abstract.parts.items() if name not in headers}
    if style != "rpc" and len(parts) > 1:
        raise OperationError("its message has several parts in the body, which document style does not allow")
    for name, part in parts.items():
        said = part.type if style == "rpc" else part.element
        if said is None:
            wanted = "type" if style == "rpc" else "element"
            raise OperationError(f"part {name} of its message names no {wanted}, which {style} style needs")
        yield name, said.qname.text


def _version(binding: Any) -> str | None:
    spoken = getattr(binding, "nsmap", {}).get("soap") if hasattr(binding, "default_style") else None
    return {SOAP_11: "1.1", SOAP_12: "1.2"}.get(str(spoken))


def encoded(documents: Documents) -> Iterator[str]:
    """Yield `binding.operation` of those that say use=encoded."""
    for root in documents.roots():
        for binding in elements(root, f"{{{WSDL}}}binding"):
            for operation in elements(binding, f"{{{WSDL}}}operation"):
                bodies = operation.iter(f"{{{SOAP_11}}}body", f"{{{SOAP_12}}}body")
                if any(each.get("use") == "encoded" for each in bodies):
                    yield f"{binding.get('name')}.{operation.get('name')}"


def documentation(documents: Documents, port_type: str, operation: str) -> str:
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
