"""A WSDL and the documents it imports: files beside it, and never the network."""

import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from connectors.soap.xml import WSDL, XML, XSD, Element, XmlError, elements, etree, parse, standalone

FILE_BYTES: Final = 8 * 1024 * 1024
"""Bytes of one document."""
FILES: Final = 200
"""Documents that one WSDL may consist of."""

_ENCODINGS: Final = frozenset(
    ("http://schemas.xmlsoap.org/soap/encoding/", "http://www.w3.org/2003/05/soap-encoding")
)
_XML_SCHEMA_PLACE: Final = "https://www.w3.org/2001/xml.xsd"
_XML_SCHEMA: Final = f"""\
<xs:schema xmlns:xs="{XSD}" targetNamespace="{XML}">
  <xs:attribute name="lang" type="xs:string"/>
  <xs:attribute name="space" type="xs:NCName"/>
  <xs:attribute name="base" type="xs:anyURI"/>
  <xs:attribute name="id" type="xs:ID"/>
</xs:schema>""".encode()
"""The attributes that every document has without an import; of its schema nothing else is used."""


class DocumentError(ValueError):
    """A WSDL, or a document that it imports, cannot be read; the message names it and the fix."""


@dataclass(frozen=True, slots=True)
class SchemaDocument:
    """One XML Schema.

    Attributes:
        root: its `xs:schema`, a document of its own.
        namespace: its target namespace; where it has none, that of whoever includes it; or an empty string.
        where: its file.
    """

    root: Element
    namespace: str
    where: str


@dataclass(slots=True)
class Documents:
    """What has been read for one WSDL. Its `load` is what zeep loads documents with.

    Attributes:
        wsdl: the file that the configuration names.
    """

    wsdl: Path
    _read: dict[str, tuple[bytes, Element]] = field(default_factory=dict[str, tuple[bytes, Any]], init=False)

    def load(self, url: object) -> bytes:
        """Return one document; it is checked when it is read first.

        Raises:
            DocumentError: it is not beside the WSDL, is missing, too large, one too many, or no plain XML.
        """
        place = self._place(str(url))
        if place not in self._read:
            data = _XML_SCHEMA if place == _XML_SCHEMA_PLACE else self._bytes(place)
            if len(self._read) >= FILES:
                raise DocumentError(
                    f"{self.wsdl.name} imports more than {FILES} documents: join some of them"
                )
            try:
                self._read[place] = data, parse(data)
            except XmlError as error:
                raise DocumentError(f"{Path(place).name} {error}") from error
        return self._read[place][0]

    def roots(self) -> Iterator[Element]:
        """Yield the root of each document that has been read."""
        yield from (root for _, root in self._read.values())

    def schemas(self) -> tuple[SchemaDocument, ...]:
        """Return every schema that has been read, those without a namespace as often as they are included."""
        found = list(self._roots())
        seen: set[tuple[str, str]] = set()
        waiting = deque(found)
        while waiting:
            for each in self._chameleons(waiting.popleft()):
                if (each.where, each.namespace) not in seen:
                    seen.add((each.where, each.namespace))
                    found.append(each)
                    waiting.append(each)
        return tuple(replace(each, root=_in_namespace(each.root, each.namespace)) for each in found)

    def _roots(self) -> Iterator[SchemaDocument]:
        imported = {
            self._beside(place, each.get("schemaLocation"))
            for place, (_, root) in self._read.items()
            for each in root.iter(f"{{{XSD}}}import")
            if each.get("schemaLocation") and not each.get("namespace")
        }
        for place, (_, root) in self._read.items():
            if root.tag == f"{{{XSD}}}schema":
                if root.get("targetNamespace") or place in imported:
                    yield SchemaDocument(root, root.get("targetNamespace", ""), place)
                continue
            for types in elements(root, f"{{{WSDL}}}types"):
                for schema in elements(types, f"{{{XSD}}}schema"):
                    yield SchemaDocument(schema, schema.get("targetNamespace", ""), place)

    def _chameleons(self, schema: SchemaDocument) -> Iterator[SchemaDocument]:
        for each in elements(schema.root, f"{{{XSD}}}include"):
            place = self._beside(schema.where, each.get("schemaLocation", ""))
            root = self._read[place][1] if place in self._read else None
            if root is not None and not root.get("targetNamespace") and schema.namespace:
                yield SchemaDocument(root, schema.namespace, place)

    def _place(self, url: str) -> str:
        parts = urlsplit(url)
        if url == _XML_SCHEMA_PLACE:
            return url
        if url in _ENCODINGS:
            raise DocumentError(
                f"{self.wsdl.name} uses SOAP encoding, which nobody can check: ask for a literal binding"
            )
        if parts.scheme not in {"", "file"} or parts.netloc:
            raise DocumentError(
                f"{self.wsdl.name} imports {url[:200]}: save that document beside it and name the file in its place"
            )
        path = os.path.realpath(unquote(parts.path) if parts.scheme else url)
        folder = os.path.realpath(self.wsdl.parent)
        if os.path.commonpath([path, folder]) != folder:
            raise DocumentError(
                f"{self.wsdl.name} imports {Path(path).name}, which is not beside it: copy it there"
            )
        return path

    def _beside(self, place: str, location: str) -> str:
        return os.path.realpath(Path(place).parent / location)

    def _bytes(self, place: str) -> bytes:
        try:
            with Path(place).open("rb") as file:
                data = file.read(FILE_BYTES + 1)
        except OSError as error:
            raise DocumentError(f"cannot read {place}: {error.strerror}") from error
        if len(data) > FILE_BYTES:
            raise DocumentError(f"{place} has more than {FILE_BYTES:,} bytes: leave out what is not called")
        return data


def _in_namespace(root: Element, space: str) -> Element:
    """Return a schema as a document that says its namespace, also in names without a prefix."""
    own = standalone(root)
    if own.get("targetNamespace") or not space:
        return own
    made = etree().Element(own.tag, dict(own.attrib), nsmap={None: space, **own.nsmap})
    made.set("targetNamespace", space)
    made.extend(list(own))
    return standalone(made)
