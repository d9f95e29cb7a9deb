"""The action that creates an entity, perhaps with others inside, and the read that finds it again."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from connectors.action import Call
from connectors.errors import FailedError
from connectors.odata.answers import entity_of
from connectors.odata.bind import bindings, expansion, unbound, written
from connectors.odata.client import Change, Deadline, ODataClient
from connectors.odata.edm import EdmError, Primitive, Property
from connectors.odata.entity import Exposed, chosen
from connectors.odata.literals import literal
from connectors.odata.outcomes import UNCLEAR, declare_outcome, outcome_verb, there
from connectors.odata.schemas import object_schema
from connectors.odata.section import Section, joined, object_of, said, schemas
from connectors.odata.settings import Create

_REFERENCE: Final = 32
"""Characters of our key in a field of the service."""
_LEAST_REFERENCE: Final = 16
"""Fewer could be those of another key."""
_DEEP_LIMIT: Final = 200
"""Entities that are created with one."""


def declare_create(section: Section, exposed: Exposed, verb: str, own: Create) -> None:
    """Declare the action, and its outcome unless another read is named; raises EdmError or DefinitionError."""
    creator = _Creator(section, exposed, own)
    found = creator.found and own.reconcile is None
    section.connector.declare(
        verb,
        own.description or f"Create one of {exposed.set_name}.",
        arguments=creator.arguments,
        perform=creator.perform,
        where=section.where,
        effect="write",
        result=exposed.result(section.model_name(verb), *(n for n in own.deep if n in exposed.expanded)),
        idempotency="none" if own.repeatable is None else "provider-key",
        window=section.window(own.repeatable),
        compensate=own.compensate,
        reconcile=section.full(outcome_verb(verb)) if found else own.reconcile,
        **said(own),
    )
    if found:
        declare_outcome(section, exposed, verb, creator.arguments, creator.outcome)


class _Creator:
    """Creates entities of one set.

    Attributes:
        found: whether what it created can be found again: by its key, or by ours.
        arguments: their schema.
    """

    def __init__(self, section: Section, exposed: Exposed, own: Create) -> None:
        self._exposed = exposed
        self._repeatable = own.repeatable is not None
        self._fields = chosen(exposed.kind, own.fields)
        self._deep = _deep(section, exposed, own)
        self._bound = bindings(section, exposed, own.bind)
        self._reference = None if own.reference is None else _reference(exposed, own)
        given = set(exposed.kind.keys) <= self._fields.keys()
        self.found = given or self._reference is not None
        if not self.found and not self._repeatable and own.reconcile is None:
            raise EdmError(
                "cannot be found again when its answer is lost: name a `reference` field for our key, let the model "
                "give the whole key, or say for how long it is `repeatable`"
            )
        needed = own.required
        if needed is None:
            keys = exposed.kind.keys if given else ()
            needed = {*keys, *(name for name, each in self._fields.items() if each.required)}
        inner = {name: _deep_schema(exposed, name, each) for name, each in self._deep.items()}
        bound = {name: each.schema() for name, each in self._bound.items()}
        said = joined(schemas(exposed, self._fields), bound, inner)
        if unknown := sorted(needed - said.keys()):
            raise EdmError(f"requires {', '.join(unknown)}, which is not among its fields")
        self.arguments = object_of(said, needed)

    async def perform(self, call: Call[ODataClient], arguments: dict[str, Any]) -> dict[str, Any]:
        """Create one."""
        exposed, until = self._exposed, Deadline(call.timeout_s)
        asks_first = self._reference is None and not self._repeatable and self._by_key(arguments)
        # Many services answer 500 to a key that is taken. Asked before, it is a refusal and no doubt.
        if asks_first and await there(call.client.before_change, exposed, arguments, (), until) is not None:
            raise FailedError(f"there is one with this key in {exposed.set_name}", code="exists")
        key = call.key if self._repeatable else None
        change = Change("POST", (exposed.set_name,), body=self._body(arguments, call.key), key=key)
        reply = await call.client.change(change, until)
        made = entity_of(reply, changes=True)
        known = {name: arguments[name] for name in exposed.kind.keys if name in arguments}
        return {**known, **exposed.shown(made, reply.etag)}

    async def outcome(self, call: Call[ODataClient], arguments: dict[str, Any]) -> dict[str, Any] | None:
        """Return what this call created, or None where it did not."""
        exposed, until, sent = self._exposed, Deadline(call.timeout_s), self._body(arguments, call.key)
        if self._reference is not None:
            name = self._reference.name
            text = literal(self._reference.type, sent[name], exposed.version, name)
            query = (*exposed.shape(), ("$filter", f"{name} eq {text}"), ("$top", "2"))
            rows = await call.client.rows((exposed.set_name,), query, 2, until)
            if len(rows) > 1:
                raise FailedError(f"several of {exposed.set_name} have our reference", code=UNCLEAR)
            return exposed.shown(rows[0]) if rows else None
        if not self._by_key(arguments):
            raise FailedError("its key is not among the arguments", code=UNCLEAR)
        expand = expansion(self._bound.values())
        found = await there(call.client.read, exposed, arguments, self._fields, until, expand=expand)
        if found is None:
            return None
        differs = exposed.differs(found[0], sent) + unbound(self._bound.values(), found[0], arguments)
        if differs:
            raise FailedError(f"there is one with this key, but its {differs[0]} is another", code=UNCLEAR)
        return exposed.shown(*found)

    def _by_key(self, arguments: Mapping[str, Any]) -> bool:
        return set(self._exposed.kind.keys) <= arguments.keys()

    def _body(self, arguments: Mapping[str, Any], key: str) -> dict[str, Any]:
        exposed = self._exposed
        made = exposed.wire(self._fields, arguments) | written(self._bound.values(), arguments)
        for name, properties in self._deep.items():
            if name in arguments:
                value = arguments[name]
                many = exposed.kind.navigations[name].many
                made[name] = (
                    [exposed.wire(properties, each) for each in value]
                    if many
                    else exposed.wire(properties, value)
                )
        if self._reference is not None:
            made[self._reference.name] = _reference_of(key, self._reference)
        return made


def _deep(section: Section, exposed: Exposed, own: Create) -> dict[str, dict[str, Property]]:
    """Return what is created with an entity, by navigation."""
    made: dict[str, dict[str, Property]] = {}
    for name, fields in own.deep.items():
        navigation = exposed.kind.navigations.get(name)
        if navigation is None:
            raise EdmError(f"{exposed.kind.name} has no navigation {name}")
        made[name] = chosen(section.metadata.entity(navigation.target), fields)
    return made


def _deep_schema(exposed: Exposed, name: str, properties: Mapping[str, Property]) -> dict[str, Any]:
    schema = object_schema(properties.values())
    if exposed.kind.navigations[name].many:
        schema = {"type": "array", "items": schema, "minItems": 1, "maxItems": _DEEP_LIMIT}
    return {**schema, "description": f"The {name} that are created with it."}


def _reference(exposed: Exposed, own: Create) -> Property:
    (found,) = chosen(exposed.kind, (str(own.reference),)).values()
    kind = found.type
    if not isinstance(kind, Primitive) or kind.name != "Edm.String" or kind.choices:
        raise EdmError(f"{found.name} is no text; the reference is one")
    if kind.max_length is not None and kind.max_length < _LEAST_REFERENCE:
        raise EdmError(
            f"{found.name} holds {kind.max_length} characters; a reference has {_LEAST_REFERENCE} at least"
        )
    if found.name in own.fields:
        raise EdmError(
            f"{found.name} is the reference, which is not the model's to set: leave it out of `fields`"
        )
    return found


def _reference_of(key: str, reference: Property) -> str:
    """Return the text that stands for our key, always the same.

    Capital letters and digits, a letter first: some systems turn small letters into capitals, and texts of digits into
    numbers, and would then not find what they were given.
    """
    length = reference.type.max_length if isinstance(reference.type, Primitive) else None
    digest = hashlib.sha256(key.encode()).hexdigest().upper()
    return f"P{digest}"[: min(_REFERENCE, length or _REFERENCE)]
