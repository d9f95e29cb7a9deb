"""The actions that change and delete entities."""

from typing import Any

from pydantic import create_model

from connectors.action import Call
from connectors.errors import FailedError
from connectors.odata.answers import entity_of
from connectors.odata.bind import bindings, expansion, unbound, written
from connectors.odata.client import Change, Deadline, ODataClient
from connectors.odata.edm import EdmError
from connectors.odata.entity import ETAG, Exposed, chosen, etag_schema
from connectors.odata.outcomes import ABSENT, STALE, UNCLEAR, declare_outcome, outcome_verb, there
from connectors.odata.section import Section, joined, object_of, said, schemas
from connectors.odata.settings import Delete, Update


def declare_update(section: Section, exposed: Exposed, verb: str, own: Update) -> None:
    """Declare the action that changes fields of an entity; raises EdmError or DefinitionError.

    Where states are compared, it is sent once, and a read finds out what became of it. Elsewhere, repeating it changes
    nothing.
    """
    fields = chosen(exposed.kind, own.fields)
    if taken := sorted(fields.keys() & set(exposed.kind.keys)):
        raise EdmError(f"{', '.join(taken)} is of the key, which cannot be changed")
    bound = bindings(section, exposed, own.bind)
    state = {ETAG: etag_schema()} if exposed.etag else {}
    said_so = joined(schemas(exposed, fields), {name: each.schema() for name, each in bound.items()})
    arguments = object_of(joined(exposed.key_schemas(), state, said_so), (*exposed.kind.keys, *state))

    async def update(call: Call[ODataClient], arguments: dict[str, Any]) -> dict[str, Any]:
        values = exposed.wire(fields, arguments) | written(bound.values(), arguments)
        if not values:
            raise FailedError(f"say at least one of {', '.join(said_so)}", code="invalid_argument")
        change = Change(
            "PATCH" if exposed.version == "v4" else "MERGE",
            (exposed.path(arguments),),
            body=values,
            # Without it, a service may create what is not there.
            etag=arguments[ETAG] if exposed.etag else "*",
            key=call.key if own.repeatable else None,
        )
        reply = await call.client.change(change, Deadline(call.timeout_s))
        known = {name: arguments[name] for name in exposed.kind.keys}
        return {**known, **exposed.shown(entity_of(reply, changes=True), reply.etag)}

    async def outcome(call: Call[ODataClient], arguments: dict[str, Any]) -> dict[str, Any] | None:
        until, expand = Deadline(call.timeout_s), expansion(bound.values())
        found = await there(call.client.read, exposed, arguments, fields, until, expand=expand)
        if found is None:
            raise FailedError(f"it is no longer in {exposed.set_name}", code=UNCLEAR)
        differs = exposed.differs(found[0], exposed.wire(fields, arguments))
        if not differs + unbound(bound.values(), found[0], arguments):
            return exposed.shown(*found)
        if found[1] == arguments[ETAG]:
            return None
        raise FailedError("it was changed since, and nobody can say whether by this as well", code=UNCLEAR)

    own_outcome = exposed.etag and own.reconcile is None
    once = "none" if exposed.etag else "natural"
    section.connector.declare(
        verb,
        own.description or f"Change one of {exposed.set_name}.",
        arguments=arguments,
        perform=update,
        where=section.where,
        effect="write",
        result=exposed.result(section.model_name(verb)),
        idempotency=once if own.repeatable is None else "provider-key",
        window=section.window(own.repeatable),
        compensate=own.compensate,
        reconcile=section.full(outcome_verb(verb)) if own_outcome else own.reconcile,
        **said(own),
    )
    if own_outcome:
        declare_outcome(section, exposed, verb, arguments, outcome)


def declare_delete(section: Section, exposed: Exposed, verb: str, own: Delete) -> None:
    """Declare the action that deletes an entity; one that is not there counts as deleted.

    Raises:
        EdmError: it cannot be; DefinitionError as well.
    """
    state = {ETAG: etag_schema()} if exposed.etag else {}
    arguments = object_of(joined(exposed.key_schemas(), state), (*exposed.kind.keys, *state))

    async def delete(call: Call[ODataClient], arguments: dict[str, Any]) -> dict[str, Any]:
        until = Deadline(call.timeout_s)
        change = Change("DELETE", (exposed.path(arguments),), etag=arguments[ETAG] if exposed.etag else None)
        try:
            await call.client.change(change, until)
        except FailedError as error:
            # Of what is not there, some say that its state is another.
            gone = (
                error.code == STALE
                and await there(call.client.before_change, exposed, arguments, (), until) is None
            )
            if error.code != ABSENT and not gone:
                raise
        return {**{name: arguments[name] for name in exposed.kind.keys}, "deleted": True}

    keys: dict[str, Any] = {name: (Any, None) for name in exposed.kind.keys if not name.startswith("_")}
    section.connector.declare(
        verb,
        own.description or f"Delete one of {exposed.set_name}.",
        arguments=arguments,
        perform=delete,
        where=section.where,
        effect="write",
        result=create_model(section.model_name(verb), **keys, deleted=(bool, ...)),
        idempotency="natural",
        **said(own),
    )
