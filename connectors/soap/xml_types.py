"""Elements and complex types of XML Schema, read one by one: what a message may hold, with names, types and descriptions. Pure.

Circles among types and groups are none of its worries: `connectors.soap.schema_check` has compiled the same documents before.
zeep keeps neither facets nor documentation, so both are read here, from the same documents. A complex type becomes a flat list
of fields: elements in their order, attributes, and the text of one that has only text. What a schema says beyond that (choices,
groups that repeat) is noted at each field, and held by `connectors.soap.schema_check`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from connectors.soap.documents import SchemaDocument
from connectors.soap.fields import TEXT, Complex, Field, named_apart, options_of
from connectors.soap.simple_types import Simple, built_in
from connectors.soap.xml import XSD, Element, elements, local, namespace, resolved, tag_of

_WORDS_LIMIT: Final = 500

_SCHEMA: Final = f"{{{XSD}}}schema"
_GROUPS: Final = frozenset(f"{{{XSD}}}{name}" for name in ("sequence", "all", "choice"))
_NUMBERS: Final = frozenset(("length", "minLength", "maxLength", "totalDigits", "fractionDigits"))


class TypesError(ValueError):
    """A type cannot be read: it is not declared, or refers to itself. The message names it."""


@dataclass(frozen=True, slots=True)
class _Around:
    """What the groups around a particle say: how often they are there, and whether it is one of several."""

    least: int = 1
    most: int | None = 1
    repeats: bool = False


@dataclass(slots=True)
class XmlTypes:
    """The declarations of all schemas of one WSDL."""

    documents: Sequence[SchemaDocument]
    _known: dict[tuple[str, str], Element] = field(init=False)
    _spaces: dict[Element, str] = field(init=False)
    _fields: dict[Complex, tuple[Field, ...]] = field(
        default_factory=dict[Complex, tuple[Field, ...]], init=False
    )
    _complex: dict[Element, Complex] = field(default_factory=dict[Element, Complex], init=False)

    def __post_init__(self) -> None:
        """Note where everything is declared."""
        self._known = {}
        self._spaces = {}
        for document in self.documents:
            self._spaces[document.root] = document.namespace
            for node in elements(document.root):
                kind = "type" if node.tag.endswith("Type") else local(node.tag)
                if node.get("name"):
                    self._known.setdefault((kind, tag_of(document.namespace, node.get("name"))), node)

    def element(self, tag: str) -> Field:
        """Return a global element; raises TypesError where none is declared."""
        return self._element(self._declared("element", tag))

    def fields(self, kind: Complex) -> tuple[Field, ...]:
        """Return what a complex type holds; raises TypesError."""
        if kind not in self._fields:
            self._fields[kind] = named_apart(tuple(self._content(kind.node)))
        return self._fields[kind]

    def _declared(self, kind: str, tag: str) -> Element:
        node = self._known.get((kind, tag))
        if node is None:
            raise TypesError(f"{kind} {local(tag)} of namespace {namespace(tag)!r} is declared in no schema")
        return node

    def _schema(self, node: Element) -> Element:
        return next(node.iterancestors(_SCHEMA))

    def _local_tag(self, node: Element, default: str) -> str:
        schema = self._schema(node)
        qualified = node.getparent() is schema or node.get("form", schema.get(default, "")) == "qualified"
        return tag_of(self._spaces[schema] if qualified else "", node.get("name"))

    def _element(self, node: Element) -> Field:
        """Return an element as it is declared, once."""
        tag = self._local_tag(node, "elementFormDefault")
        kind = (
            self._type_in(node) if node.get("type") is None else self.type(resolved(node, node.get("type")))
        )
        abstract = node.get("abstract") == "true"
        return Field(
            local(tag),
            tag,
            "element",
            kind,
            nillable=node.get("nillable") in {"true", "1"},
            said=self._said(node, kind),
            fixed=node.get("fixed"),
            problem="is abstract: others stand for it" if abstract else "",
        )

    def _type_in(self, node: Element) -> Simple | Complex | None:
        """Return the type that is declared inside an element or attribute."""
        for child in elements(node, f"{{{XSD}}}complexType"):
            return self._made(child, node.get("name", ""))
        for child in elements(node, f"{{{XSD}}}simpleType"):
            return self._simple(child)
        return None

    def _made(self, node: Element, name: str) -> Complex:
        return self._complex.setdefault(node, Complex(node, name))

    def type(self, tag: str) -> Simple | Complex | None:
        """Return a global type, None for one that holds anything; raises TypesError where none is declared."""
        if namespace(tag) == XSD:
            found = built_in(local(tag))
            if found is None and local(tag) != "anyType":
                raise TypesError(f"there is no built-in type {local(tag)}")
            return found
        node = self._declared("type", tag)
        return self._made(node, node.get("name")) if local(node.tag) == "complexType" else self._simple(node)

    def _simple(self, node: Element) -> Simple:
        child = next(elements(node, *(f"{{{XSD}}}{name}" for name in ("restriction", "list", "union"))), None)
        if child is None or local(child.tag) == "union":
            return Simple("text", "anySimpleType")
        if local(child.tag) == "list":
            tag = child.get("itemType")
            item = self._type_in(child) if tag is None else self.type(resolved(child, tag))
            return Simple(
                "text", "list", item=item if isinstance(item, Simple) else Simple("text", "anySimpleType")
            )
        return self._restricted(child)

    def _restricted(self, node: Element) -> Simple:
        tag = node.get("base")
        kind = self._type_in(node) if tag is None else self.type(resolved(node, tag))
        while isinstance(kind, Complex):
            text = next((each for each in self.fields(kind) if each.place == "text"), None)
            kind = None if text is None else text.type
        base = kind or Simple("text", "anySimpleType")
        return replace(base, facets={**base.facets, **_facets(node)})

    def _said(self, node: Element, kind: "Simple | Complex | None" = None) -> str:
        for holder in (node, kind.node if isinstance(kind, Complex) else None):
            if holder is not None:
                words = (
                    " ".join("".join(each.itertext()).split())
                    for each in holder.iterchildren(f"{{{XSD}}}annotation")
                )
                if found := " ".join(filter(None, words)):
                    return found[:_WORDS_LIMIT]
        return ""

    def _content(self, node: Element) -> Iterator[Field]:
        """Yield what a complex type holds, or what an extension or restriction adds."""
        for child in elements(node):
            match local(child.tag):
                case "simpleContent" | "complexContent":
                    for derived in elements(child, f"{{{XSD}}}extension", f"{{{XSD}}}restriction"):
                        yield from self._derived(derived, simple=local(child.tag) == "simpleContent")
                case "sequence" | "all" | "choice" | "group":
                    yield from self._particles(child, _Around())
                case "attribute" | "attributeGroup":
                    yield from self._attributes(child)
                case _:
                    pass  # annotations, wildcards of attributes, facets

    def _derived(self, node: Element, *, simple: bool) -> Iterator[Field]:
        tag = resolved(node, node.get("base"))
        base = self.type(tag)
        own = list(self._content(node))
        inherited = list(self._content(base.node)) if isinstance(base, Complex) else []
        if local(node.tag) == "restriction":
            # A restriction says its elements anew; attributes that it does not say remain.
            inherited = [each for each in inherited if each.place == "attribute"]
            if simple:
                yield Field(TEXT, "", "text", self._restricted(node))
        elif isinstance(base, Simple):
            yield Field(TEXT, "", "text", base)
        replaced = {each.tag for each in own if each.place == "attribute"}
        yield from (each for each in inherited if each.place != "attribute" or each.tag not in replaced)
        yield from own

    def _particles(self, node: Element, around: _Around) -> Iterator[Field]:
        least, most = int(node.get("minOccurs", "1")), _most(node)
        if most == 0:
            return
        kind = local(node.tag)
        if kind == "group":
            named = self._declared("group", resolved(node, node.get("ref")))
            for child in elements(named, *_GROUPS):
                inside = _inside(around, child, least, most)
                yield from self._particles(child, inside)
        elif kind == "element":
            yield self._particle(node, around, least, most)
        elif kind == "any":
            if least * around.least:
                yield Field("any", "", "element", None, problem="takes any element")
        elif node.tag in _GROUPS:
            inside = _inside(around, node, least, most)
            options = [list(self._particles(child, inside)) for child in elements(node)]
            if kind == "choice":
                options = options_of([option for option in options if option])
            for option in options:
                yield from option

    def _particle(self, node: Element, around: _Around, least: int, most: int | None) -> Field:
        ref = node.get("ref")
        made = (
            self._element(node)
            if ref is None
            else self._element(self._declared("element", resolved(node, ref)))
        )
        problem = "is in a group that repeats as a whole" if around.repeats else ""
        said = self._said(node) or made.said
        return replace(
            made,
            least=around.least * least,
            most=_times(around.most, most),
            said=said,
            problem=made.problem or problem,
        )

    def _attributes(self, node: Element) -> Iterator[Field]:
        ref = node.get("ref")
        if local(node.tag) == "attributeGroup":
            group = self._declared("attributeGroup", resolved(node, ref))
            for child in elements(group, f"{{{XSD}}}attribute", f"{{{XSD}}}attributeGroup"):
                yield from self._attributes(child)
            return
        if node.get("use") == "prohibited":
            return
        declared = node if ref is None else self._declared("attribute", resolved(node, ref))
        tag = self._local_tag(declared, "attributeFormDefault")
        named = declared.get("type")
        kind = self._type_in(declared) if named is None else self.type(resolved(declared, named))
        yield Field(
            local(tag),
            tag,
            "attribute",
            kind or Simple("text", "anySimpleType"),
            least=int(node.get("use") == "required"),
            said=self._said(node) or self._said(declared),
            fixed=node.get("fixed", declared.get("fixed")),
        )


def _inside(around: _Around, group: Element, least: int, most: int | None) -> _Around:
    """Return what a group says of its particles. One that holds a single element repeats as that element does."""
    particles = group.iter(f"{{{XSD}}}element", f"{{{XSD}}}any", f"{{{XSD}}}group")
    repeats = around.repeats or (most != 1 and len(list(particles)) > 1)
    return _Around(around.least * least, _times(around.most, most), repeats)


def _facets(node: Element) -> dict[str, object]:
    found: dict[str, object] = {}
    several: dict[str, list[str]] = {}
    for child in elements(node):
        name, value = local(child.tag), child.get("value")
        if value is None:
            continue
        if name in {"enumeration", "pattern"}:
            several.setdefault(name, []).append(value)
        else:
            found[name] = int(value) if name in _NUMBERS else value
    return {**found, **{name: tuple(values) for name, values in several.items()}}


def _most(node: Element) -> int | None:
    said = node.get("maxOccurs", "1")
    return None if said == "unbounded" else int(said)


def _times(first: int | None, second: int | None) -> int | None:
    return None if first is None or second is None else first * second
