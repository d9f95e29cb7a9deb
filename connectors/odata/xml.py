"""EDMX as a tree of elements, read so that no document can make the reader unfold or fetch anything. Pure."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Final, NoReturn
from xml.parsers import expat

from connectors.odata.edm import EdmError

SIZE_LIMIT: Final = 32 << 20
"""Bytes of a document; the largest we know, of Dynamics 365, has some 10 MB."""
_DEPTH_LIMIT: Final = 100


def read_xml(document: bytes) -> ET.Element:
    """Return the root; names of elements and attributes are without their namespaces.

    Raises:
        EdmError: it is no XML, is too large or too deep, or has a document type, through which entities would come.
    """
    if len(document) > SIZE_LIMIT:
        raise EdmError(f"has more than {SIZE_LIMIT >> 20} MB")
    builder = ET.TreeBuilder()
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEPTH_LIMIT:
            raise EdmError(f"is nested deeper than {_DEPTH_LIMIT} elements")
        builder.start(local(name), {local(key): value for key, value in attributes.items()})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(local(name))

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise EdmError(f"is no XML: {error}") from error
    return builder.close()


def local(name: str) -> str:
    """Return a name without its namespace."""
    return name.rpartition(" ")[2]


def inside(element: ET.Element, name: str) -> Iterator[ET.Element]:
    """Yield the children of a name."""
    return (child for child in element if child.tag == name)


def _refuse(*_: object) -> NoReturn:
    raise EdmError("has a document type (<!DOCTYPE …>); metadata has none: remove it")
