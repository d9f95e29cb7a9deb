"""The actions that read entities: one by its key, or those that conditions select."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import create_model

from connectors.action import Call
from connectors.odata.answers import entity_of
from connectors.odata.client import Deadline, ODataClient
from connectors.odata.edm import EdmError
from connectors.odata.entity import Exposed, chosen
from connectors.odata.filters import condition, filter_text
from connectors.odata.section import Section, joined, object_of, said
from connectors.odata.settings import Get, Query

_SKIP_LIMIT: Final = 10_000


def declare_get(section: Section, exposed: Exposed, verb: str, own: Get) -> None:
    """Declare the action that reads one entity; raises EdmError or DefinitionError."""

    async def perform(call: Call[ODataClient], arguments: dict[str, Any]) -> dict[str, Any]:
        query = exposed.shape(arguments.get("select", ()), arguments.get("expand", ()))
        reply = await call.client.read((exposed.path(arguments),), query, Deadline(call.timeout_s))
        return exposed.shown(entity_of(reply, changes=False), reply.etag)

    section.connector.declare(
        verb,
        own.description or f"Look up one of {exposed.set_name} by its key.",
        arguments=object_of(joined(exposed.key_schemas(), _shape_schemas(exposed)), exposed.kind.keys),
        perform=perform,
        where=section.where,
        effect="read",
        result=exposed.result(section.model_name(verb), *exposed.expanded),
        **said(own),
    )


def declare_query(section: Section, exposed: Exposed, verb: str, own: Query) -> None:
    """Declare the action that reads the entities which conditions select; raises EdmError or DefinitionError."""
    conditions = [
        condition(found, operator, exposed.describe.get(found.name, ""))
        for found in chosen(exposed.kind, own.filter).values()
        for operator in own.filter[found.name]
    ]
    sortable = chosen(exposed.kind, own.order_by)
    schemas = joined({each.argument: each.schema() for each in conditions}, _shape_schemas(exposed))
    if sortable:
        choices = [f"{name} {way}" for name in sortable for way in ("asc", "desc")]
        ordering = {"type": "string", "enum": choices, "description": "What the answer is sorted by."}
        schemas = joined(schemas, {"order_by": ordering})
    top = {"type": "integer", "minimum": 1, "maximum": exposed.top, "description": "How many at most."}
    skip = {
        "type": "integer",
        "minimum": 0,
        "maximum": _SKIP_LIMIT,
        "description": "How many to leave out, where there were more.",
    }
    schemas = joined(schemas, {"top": top, "skip": skip})
    if unknown := sorted(own.required - schemas.keys()):
        raise EdmError(f"requires {', '.join(unknown)}, which it does not take")

    async def perform(call: Call[ODataClient], arguments: dict[str, Any]) -> dict[str, Any]:
        most = int(arguments.get("top", exposed.top))
        query = [*exposed.shape(arguments.get("select", ()), arguments.get("expand", ()))]
        text = filter_text(conditions, arguments, exposed.version)
        if text is not None:
            query.append(("$filter", text))
        query += [("$orderby", _order(exposed, arguments)), ("$top", str(most + 1))]
        if arguments.get("skip"):
            query.append(("$skip", str(arguments["skip"])))
        path = (exposed.set_name,)
        rows = await call.client.rows(path, tuple(query), most + 1, Deadline(call.timeout_s))
        shown = [exposed.shown(row) for row in rows[:most] if isinstance(row, dict)]
        return {"found": shown, "more": len(rows) > most}

    inner = exposed.result(section.model_name(verb) + "_row", *exposed.expanded)
    fields: dict[str, Any] = {"found": (list[inner], ...), "more": (bool, ...)}
    section.connector.declare(
        verb,
        own.description or f"Look up {exposed.set_name} that fit conditions.",
        arguments=object_of(schemas, own.required),
        perform=perform,
        where=section.where,
        effect="read",
        result=create_model(section.model_name(verb), **fields),
        **said(own),
    )


def _shape_schemas(exposed: Exposed) -> dict[str, dict[str, Any]]:
    """Return the schemas of what a read may leave out, and what it may show besides."""
    made: dict[str, dict[str, Any]] = {}
    if len(exposed.fields) > len(exposed.keys):
        names = {"type": "string", "enum": list(exposed.fields)}
        made["select"] = {
            "type": "array",
            "items": names,
            "maxItems": len(exposed.fields),
            "description": "Which fields to show; all of them where it is left out.",
        }
    if exposed.expanded:
        navigations = {"type": "string", "enum": list(exposed.expanded)}
        made["expand"] = {
            "type": "array",
            "items": navigations,
            "maxItems": len(exposed.expanded),
            "description": "What to show with it.",
        }
    return made


def _order(exposed: Exposed, arguments: Mapping[str, Any]) -> str:
    """Return an order that is total, so that pages do not overlap."""
    first = arguments.get("order_by")
    names = [] if first is None else [str(first)]
    taken = str(first or "").partition(" ")[0]
    return ",".join((*names, *(name for name in exposed.kind.keys if name != taken)))
