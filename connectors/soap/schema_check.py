"""Whether an element fits the XML Schemas of a WSDL: occurrences, choices, facets, everything, by libxml2's validator.

zeep's `strict` refuses elements that are too many; one that is missing at the end, or a value that is none of its type, it takes
as None. Here both directions are checked: what we send before it is sent, and what came back before it is believed.
"""

import threading
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

from connectors.soap.documents import SchemaDocument
from connectors.soap.xml import XSD, Element, etree, local, namespace, standalone

ROOT: Final = "urn:pointsman:soap"
"""The namespace of wrappers that no schema declares, those of `rpc` operations."""

_PLACE: Final = "pointsman:"
_SHOWN: Final = 5
_NAME: Final = 60
_FACETS: Final[Mapping[str, str]] = {
    "SCHEMAV_CVC_DATATYPE_VALID_1_2_1": "no value of its type",
    "SCHEMAV_CVC_ENUMERATION_VALID": "none of the values that are listed",
    "SCHEMAV_CVC_PATTERN_VALID": "not of the form that is asked for",
    "SCHEMAV_CVC_LENGTH_VALID": "of another length than is asked for",
    "SCHEMAV_CVC_MINLENGTH_VALID": "too short",
    "SCHEMAV_CVC_MAXLENGTH_VALID": "too long",
    "SCHEMAV_CVC_MININCLUSIVE_VALID": "too small",
    "SCHEMAV_CVC_MINEXCLUSIVE_VALID": "too small",
    "SCHEMAV_CVC_MAXINCLUSIVE_VALID": "too large",
    "SCHEMAV_CVC_MAXEXCLUSIVE_VALID": "too large",
    "SCHEMAV_CVC_TOTALDIGITS_VALID": "a number of too many digits",
    "SCHEMAV_CVC_FRACTIONDIGITS_VALID": "a number of too many decimals",
    "SCHEMAV_ELEMENT_CONTENT": "not what is expected in this place, or something is missing before or in it",
    "SCHEMAV_CVC_COMPLEX_TYPE_4": "without an attribute that is required",
    "SCHEMAV_CVC_ELT_3_1": "nil and may not be",
}


class SchemaError(ValueError):
    """The schemas of a WSDL cannot be used; the message says why."""


class MisfitError(ValueError):
    """An element does not fit the schemas. The message names places and rules, and has no value."""


class SchemaCheck:
    """All schemas of one WSDL, compiled. May be used by several threads."""

    def __init__(self, schemas: Sequence[SchemaDocument], wrappers: Sequence[Element] = ()) -> None:
        """Compile the schemas.

        Args:
            schemas: all of them; each may refer to every other.
            wrappers: declarations of further elements, for the namespace ROOT.

        Raises:
            SchemaError: they cannot be compiled.
        """
        self._documents = _documents(schemas, wrappers)
        self._names = {f"{_PLACE}schema-{number}": each.where for number, each in enumerate(schemas)}
        self._here = self._compiled()
        self._elsewhere: Any = None
        self._lock = threading.Lock()

    def check(self, element: Element) -> None:
        """Return if an element fits its declaration; to be called in the event loop's thread.

        Raises:
            MisfitError: it does not, or nothing declares it.
        """
        _check(self._here, element)

    def check_elsewhere(self, element: Element) -> None:
        """Do the same in any other thread, one after the other: a compiled schema keeps the errors of its last use."""
        with self._lock:
            if self._elsewhere is None:
                self._elsewhere = self._compiled()
            _check(self._elsewhere, element)

    def _compiled(self) -> Any:
        xml = etree()
        documents = self._documents

        class Ours(xml.Resolver):
            def resolve(self, url: str, _: object, context: Any) -> Any:
                if url not in documents:
                    raise SchemaError(f"a schema refers to {url[:200]}")
                return self.resolve_string(documents[url], context, base_url=url)  # pyright: ignore[reportUnknownVariableType, reportAttributeAccessIssue] - lxml has no types

        parser = xml.XMLParser(resolve_entities=False, no_network=True)
        parser.resolvers.add(Ours())
        try:
            return xml.XMLSchema(xml.fromstring(documents[f"{_PLACE}main"], parser))
        except xml.XMLSchemaParseError as error:
            said = [f"{each.message[:300]} ({self._place(each)})" for each in error.error_log]
            raise SchemaError("; ".join(said[:_SHOWN]) or str(error)) from error

    def _place(self, error: Any) -> str:
        file = PurePath(self._names.get(error.filename, "")).name
        return f"line {error.line} of a schema in {file}" if file else f"line {error.line}"


def _check(compiled: Any, element: Element) -> None:
    # A document of its own keeps the prefixes in scope, by which xsi:type names types.
    root = standalone(element)
    if not compiled.validate(root):
        spaces = {prefix: space for each in root.iter() for prefix, space in each.nsmap.items() if prefix}
        problems = [_problem(root, spaces, each) for each in list(compiled.error_log)[:_SHOWN]]
        raise MisfitError("; ".join(dict.fromkeys(problems)) or "it does not fit its schema")


def _problem(root: Element, spaces: Mapping[str, str], error: Any) -> str:
    """Say what is wrong where; libxml2's own words repeat the value."""
    attribute = local(error.message.partition("attribute '")[2].partition("'")[0])
    place = ".".join(_steps(root, spaces, error.path)) or "the message"
    place = f"{place} ({attribute[:_NAME]})" if attribute else place
    return f"{place} is {_FACETS.get(error.type_name, 'not as its schema says')}"


def _steps(root: Element, spaces: Mapping[str, str], path: str | None) -> list[str]:
    """Return the names on the way to an element, without that of the root. A path has `*` where there is no prefix."""
    try:
        place = (path or ".").removesuffix("/text()")
        (found,) = root.getroottree().xpath(place, namespaces=dict(spaces))
    except (etree().XPathError, ValueError):
        return []
    way = [*reversed(list(found.iterancestors())), found][1:]
    return [local(each.tag)[:_NAME] for each in way]


def _documents(schemas: Sequence[SchemaDocument], wrappers: Sequence[Element]) -> dict[str, bytes]:
    """Return documents that libxml2 reads together: it reads one document for a namespace, so each gets one that has all."""
    spaces = sorted({each.namespace for each in schemas})
    places = {space: f"{_PLACE}namespace-{number}" for number, space in enumerate(spaces)}
    made: dict[str, bytes] = {}
    for space, place in places.items():
        joined = _schema(space)
        for number, schema in enumerate(schemas):
            if schema.namespace == space:
                made[f"{_PLACE}schema-{number}"] = etree().tostring(_tied(schema, places))
                etree().SubElement(joined, f"{{{XSD}}}include", schemaLocation=f"{_PLACE}schema-{number}")
        made[place] = etree().tostring(joined)
    main = _schema(ROOT)
    _add_imports(main, places)
    main.extend(wrappers)
    made[f"{_PLACE}main"] = etree().tostring(main)
    return made


def _schema(space: str) -> Element:
    schema = etree().Element(f"{{{XSD}}}schema", nsmap={"xs": XSD})
    if space:
        schema.set("targetNamespace", space)
    return schema


def _tied(schema: SchemaDocument, places: Mapping[str, str]) -> Element:
    """Return a schema whose imports are ours, for all other namespaces: many documents rely on what others import."""
    root = standalone(schema.root)
    for each in list(root.iterchildren(f"{{{XSD}}}import", f"{{{XSD}}}include")):
        root.remove(each)
    _add_imports(root, {space: place for space, place in places.items() if space != schema.namespace})
    return root


def _add_imports(root: Element, places: Mapping[str, str]) -> None:
    for number, (space, place) in enumerate(places.items()):
        added = etree().Element(f"{{{XSD}}}import", schemaLocation=place)
        if space:
            added.set("namespace", space)
        root.insert(number, added)


def wrapper(name: str, parts: Sequence[tuple[str, str]]) -> Element:
    """Return the declaration of an `rpc` wrapper: parts, each with the tag of its type, one after the other."""
    xml = etree()
    # Not a prefix of its own for XML Schema: lxml drops one that the document has already, and a name in a text with it.
    spaces = sorted({namespace(kind) for _, kind in parts} - {XSD, ""})
    prefixes = {f"p{number}": space for number, space in enumerate(spaces)}
    known = {XSD: "xs:", **{space: f"{prefix}:" for prefix, space in prefixes.items()}}
    declared = xml.Element(f"{{{XSD}}}element", name=name, nsmap={"xs": XSD, **prefixes})
    kind = xml.SubElement(declared, f"{{{XSD}}}complexType")
    sequence = xml.SubElement(kind, f"{{{XSD}}}sequence")
    for part, tag in parts:
        said = f"{known.get(namespace(tag), '')}{local(tag)}"
        xml.SubElement(sequence, f"{{{XSD}}}element", name=part, type=said, form="unqualified")
    return declared
