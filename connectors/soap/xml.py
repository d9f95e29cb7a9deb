"""XML that others wrote, read within bounds: no document type, no entities, nothing fetched, no deeper than people nest.

lxml comes by the extra `soap` and has no types, so it is imported where it is needed, and an element is `Any`.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

DEPTH_LIMIT: Final = 64
"""Elements inside each other; deeper documents are refused."""

XML: Final = "http://www.w3.org/XML/1998/namespace"
XSD: Final = "http://www.w3.org/2001/XMLSchema"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
WSDL: Final = "http://schemas.xmlsoap.org/wsdl/"

ENVELOPES: Final = {
    "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
    "1.2": "http://www.w3.org/2003/05/soap-envelope",
}
"""Namespaces of envelopes, by the version of SOAP."""

Element = Any
"""An lxml element; a tag is written `{namespace}name`."""


class XmlError(ValueError):
    """A document that is not read: no XML, or more than is allowed. The message has nothing of its content."""


def etree() -> Any:
    """Return `lxml.etree`."""
    return import_module("lxml.etree")


def parse(data: bytes) -> Element:
    """Return the root of a document, without comments and processing instructions.

    Raises:
        XmlError: it is not well-formed, has a document type, or is nested deeper than DEPTH_LIMIT.
    """
    xml = etree()
    parser = xml.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = xml.fromstring(data, parser)
    except xml.XMLSyntaxError as error:
        raise XmlError(f"is no XML that can be read (line {error.lineno}, error {error.code})") from None
    except ValueError:
        raise XmlError("is no XML that can be read") from None
    if root.getroottree().docinfo.doctype:
        raise XmlError("has a document type (DTD), which is never read")
    _check_depth(root)
    return root


def standalone(element: Element) -> Element:
    """Return a copy that is a document of its own, with all the namespace prefixes that were in scope."""
    xml = etree()
    return xml.fromstring(xml.tostring(element, with_tail=False), xml.XMLParser(resolve_entities=False))


def namespace(tag: str) -> str:
    """Return the namespace of a tag, or an empty string."""
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""


def local(tag: str) -> str:
    """Return a tag without its namespace."""
    return tag.rpartition("}")[2]


def tag_of(space: str, name: str) -> str:
    """Return the tag of a name in a namespace, or in none where that is empty."""
    return f"{{{space}}}{name}" if space else name


def resolved(element: Element, name: str, default: str = "") -> str:
    """Return the tag that a prefixed name in the text of an element means.

    Args:
        element: whose prefixes are in scope.
        name: `prefix:name` or `name`.
        default: the namespace of a name without a prefix where none is declared.

    Raises:
        XmlError: the prefix is not declared.
    """
    prefix, colon, rest = name.strip().partition(":")
    if not colon:
        return tag_of(element.nsmap.get(None) or default, prefix)
    if prefix == "xml":
        return tag_of(XML, rest)
    if prefix not in element.nsmap:
        raise XmlError(f"has a name with an undeclared prefix: {name[:100]!r}")
    return tag_of(element.nsmap[prefix], rest)


def elements(parent: Element, *tags: str) -> Iterator[Element]:
    """Yield the children with one of these tags, or all of them."""
    yield from (each for each in parent.iterchildren(*tags) if isinstance(each.tag, str))


def _check_depth(root: Element) -> None:
    depth = 0
    for event, _ in etree().iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > DEPTH_LIMIT:
            raise XmlError(f"is nested deeper than {DEPTH_LIMIT} elements")
