"""The actions that call a service's own actions and functions, on an entity or on none."""

from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel, create_model

from connectors.action import Call
from connectors.errors import FailedError, UnusableResultError
from connectors.odata.answers import Reply, entity_of, page_of
from connectors.odata.client import Change, Deadline, ODataClient
from connectors.odata.edm import Complex, EdmError, Enumeration, Operation, Primitive, Version
from connectors.odata.entity import Exposed, chosen
from connectors.odata.literals import literal
from connectors.odata.metadata import one_operation
from connectors.odata.outcomes import STALE, UNCLEAR, Outcome, declare_outcome, outcome_verb, there
from connectors.odata.schemas import property_schema, python_type
from connectors.odata.section import Section, joined, object_of, said
from connectors.odata.settings import CallOn, Operate
from connectors.odata.values import from_wire, to_wire


def declare_operation(
    section: Section, verb: str, own: Operate, exposed: Exposed | None, returned: Mapping[str, Exposed]
) -> None:
    """Declare the action that calls an operation; raises EdmError or DefinitionError.

    Args:
        section: what it is declared in.
        verb: what it is called by.
        own: its settings.
        exposed: the entity set of the entity that it is called on, or None.
        returned: exposed entity sets by entity type: of others that are returned nothing is shown.
    """
    kind = None if exposed is None else exposed.kind.name
    operation = one_operation(section.metadata.operations(), own.name, kind)
    keys = {} if exposed is None else exposed.key_schemas()
    parameters = {
        name: property_schema(each) for name, each in operation.parameters.items() if name not in keys
    }
    _check(operation, section.version, keys)
    arguments = object_of(
        joined(keys, parameters),
        (*keys, *(name for name, each in operation.parameters.items() if each.required)),
    )
    shown = returned.get(operation.entity or "")
    changes = operation.changes and not own.read
    caller = _Caller(
        section, operation, exposed, shown, changes=changes, repeatable=own.repeatable is not None
    )
    done = own if isinstance(own, CallOn) and own.done_when else None
    if not changes:
        given = own.repeatable, own.compensate, own.reconcile, own.natural or None, done
        if any(each is not None for each in given):
            raise EdmError(f"{operation.name} is a read: it has nothing to repeat, to undo or to find out")
    elif own.repeatable is None and not own.natural and own.reconcile is None and done is None:
        raise EdmError(
            f"nobody can find out whether {operation.name} took effect when its answer is lost: say `done_when`, name "
            "a `reconcile` read, say that it is `natural` to call it again, or for how long it is `repeatable`"
        )
    own_outcome = done is not None and own.reconcile is None and exposed is not None
    idempotency = "natural" if own.natural else "none" if own.repeatable is None else "provider-key"
    section.connector.declare(
        verb,
        own.description or f"Call {operation.name}" + (f" on one of {exposed.set_name}." if exposed else "."),
        arguments=arguments,
        perform=caller.perform,
        where=section.where,
        effect="write" if changes else "read",
        result=_result_model(section.model_name(verb), operation, shown),
        idempotency=idempotency if changes else "none",
        window=section.window(own.repeatable),
        compensate=own.compensate,
        reconcile=section.full(outcome_verb(verb)) if own_outcome else own.reconcile,
        **said(own),
    )
    if own_outcome and exposed is not None and done is not None:
        declare_outcome(section, exposed, verb, arguments, _outcome(exposed, done))


class _Caller:
    """Calls one operation."""

    def __init__(
        self,
        section: Section,
        operation: Operation,
        exposed: Exposed | None,
        shown: Exposed | None,
        *,
        changes: bool,
        repeatable: bool,
    ) -> None:
        self._version: Version = section.version
        self._operation = operation
        self._exposed = exposed
        self._shown = shown
        self._changes = changes
        self._repeatable = repeatable

    async def perform(self, call: Call[ODataClient], arguments: dict[str, Any]) -> Any:
        """Call it, on the present state of its entity where the service compares states."""
        until = Deadline(call.timeout_s)
        if self._exposed is None or not self._exposed.etag:
            return self._result(await self._called(call, arguments, None, until))
        for tries_left in (1, 0):
            path, query = (self._exposed.path(arguments),), (("$select", ",".join(self._exposed.kind.keys)),)
            read = call.client.before_change if self._changes else call.client.read
            there = await read(path, query, until)
            try:
                return self._result(await self._called(call, arguments, there.etag, until))
            except FailedError as error:
                # Refused, because somebody else was quicker; what it needs of the state, the service checks itself.
                if error.code != STALE or not tries_left:
                    raise
        raise AssertionError("every try returns or raises")

    async def _called(
        self, call: Call[ODataClient], arguments: dict[str, Any], etag: str | None, until: Deadline
    ) -> Reply:
        operation, own = self._operation, self._operation.parameters
        given = {name: arguments[name] for name in own if name in arguments}
        bound = self._version == "v4" and self._exposed is not None
        path = (self._exposed.path(arguments),) if bound and self._exposed is not None else ()
        if self._version == "v4" and operation.changes:
            body = {name: to_wire(own[name].type, each, "v4", name) for name, each in given.items()}
            change = Change("POST", (*path, operation.name), (), body, etag, self._key(call))
            return await call.client.change(change, until)
        said = {name: literal(own[name].type, each, self._version, name) for name, each in given.items()}
        if self._version == "v2":
            if operation.changes:
                change = Change("POST", (operation.name,), tuple(said.items()), None, etag, self._key(call))
                return await call.client.change(change, until)
            return await call.client.read(
                (operation.name,), tuple(said.items()), until, headers=_if_match(etag)
            )
        inner = ",".join(f"{name}={each}" for name, each in said.items())
        return await call.client.read(
            (*path, f"{operation.name}({inner})"), (), until, headers=_if_match(etag)
        )

    def _key(self, call: Call[ODataClient]) -> str | None:
        return call.key if self._repeatable else None

    def _result(self, reply: Reply) -> Any:
        body, operation = reply.body, self._operation
        if operation.entity is not None:
            if operation.many:
                rows, _ = page_of(reply, self._version, changes=self._changes)
                return {"found": [self._entity(row, None) for row in rows if isinstance(row, dict)]}
            return self._entity(entity_of(reply, changes=self._changes), reply.etag)
        if body is None or operation.returns is None:
            return {"called": True}
        if self._version == "v2" and isinstance(body, dict):
            # The first services wrap the value into the name of the function.
            wrapped = cast("dict[str, Any]", body)
            body = wrapped.get(operation.name, wrapped)
        if not isinstance(operation.returns, Complex):
            value: Any = cast("dict[str, Any]", body).get("value", body) if isinstance(body, dict) else body
            return {"value": from_wire(operation.returns, value, self._version)}
        if not isinstance(body, dict):
            raise UnusableResultError("the answer is no object", executed=self._changes)
        return from_wire(operation.returns, body, self._version)

    def _entity(self, entity: dict[str, Any], etag: str | None) -> dict[str, Any]:
        return {"called": True} if self._shown is None or not entity else self._shown.shown(entity, etag)


def _check(operation: Operation, version: Version, keys: Mapping[str, Any]) -> None:
    if version == "v2" and (missing := sorted(keys.keys() - operation.parameters.keys())):
        raise EdmError(f"{operation.name} has no parameter {', '.join(missing)}, which is of the key")
    for name, each in operation.parameters.items():
        in_url = version == "v2" or not operation.changes
        if in_url and not isinstance(each.type, Primitive | Enumeration):
            raise EdmError(
                f"{operation.name}: its parameter {name} is an object or a list, which no URL can say"
            )


def _outcome(exposed: Exposed, own: CallOn) -> Outcome:
    compared = chosen(exposed.kind, (*own.done_when, *own.undone_when))

    async def outcome(call: Call[ODataClient], arguments: dict[str, Any]) -> dict[str, Any] | None:
        found = await there(call.client.read, exposed, arguments, compared, Deadline(call.timeout_s))
        if found is None:
            raise FailedError(f"it is no longer in {exposed.set_name}", code=UNCLEAR)
        state = {
            name: from_wire(each.type, found[0].get(name), exposed.version) for name, each in compared.items()
        }
        if all(state[name] in values for name, values in own.done_when.items()):
            return exposed.shown(*found)
        if own.undone_when and all(state[name] in values for name, values in own.undone_when.items()):
            return None
        said = ", ".join(f"{name} is {value}" for name, value in state.items())
        raise FailedError(f"{said}: that says neither that it took effect nor that it did not", code=UNCLEAR)

    return outcome


def _result_model(name: str, operation: Operation, shown: Exposed | None) -> type[BaseModel]:
    fields: dict[str, Any]
    if shown is not None and not operation.many:
        return shown.result(name)
    if shown is not None:
        fields = {"found": (list[shown.result(f"{name}_row")], ...)}
    elif isinstance(operation.returns, Complex):
        fields = {
            each.name: (python_type(each.type) | None, None)
            for each in operation.returns.properties.values()
            if not each.name.startswith("_")
        }
    elif operation.returns is not None:
        fields = {"value": (python_type(operation.returns) | None, None)}
    else:
        fields = {"called": (bool, ...)}
    return create_model(name, **fields)


def _if_match(etag: str | None) -> tuple[tuple[str, str], ...]:
    return () if etag is None else (("If-Match", etag),)
