"""Differences of shadow replays as events: to Avro's fields and back. Pure functions."""

from typing import Any, Literal, cast

from schemas.codec.fields import Fields
from schemas.codec.own_event import OwnEvent, fields_of, json_text, one_of
from schemas.difference import (
    DIFFERENCE_TYPE,
    ComparedEffect,
    Decided,
    Difference,
    DifferenceVerdict,
    NamedDifference,
)
from schemas.envelope import Envelope

_SAME_NAME = (
    *("id", "job_id", "run_id", "event_id", "event_type", "event_source", "tenant", "session_id", "route"),
    *("topic", "partition", "offset"),
    *("reason", "score", "reads", "decided_at"),
)


def from_difference(difference: Difference) -> OwnEvent:
    """Take a difference apart."""
    fields: dict[str, Any] = {name: getattr(difference, name) for name in _SAME_NAME}
    fields |= {
        "verdict": difference.verdict.value,
        "differences": [{"kind": each.kind, "words": each.words} for each in difference.differences],
        "recorded": _from_decided(difference.recorded),
        "afresh": None if difference.afresh is None else _from_decided(difference.afresh),
        "moved": list(difference.moved),
        "unrecorded": list(difference.unrecorded),
    }
    return OwnEvent(
        difference.id,
        DIFFERENCE_TYPE,
        difference.run_id,
        difference.decided_at,
        difference.session_id,
        fields,
    )


def difference_of(envelope: Envelope) -> Difference:
    """Return the difference an event carries, or raise UnreadableError."""
    fields = fields_of(envelope, DIFFERENCE_TYPE)
    return Difference(
        id=fields.text("id"),
        job_id=fields.text("job_id"),
        run_id=fields.text("run_id"),
        event_id=fields.text("event_id"),
        event_type=fields.text("event_type"),
        event_source=fields.text("event_source"),
        tenant=fields.text("tenant"),
        session_id=fields.text("session_id"),
        route=fields.text("route"),
        topic=fields.text("topic"),
        partition=fields.integer("partition"),
        offset=fields.integer("offset"),
        verdict=DifferenceVerdict(one_of(fields, "verdict", DifferenceVerdict)),
        reason=fields.text("reason"),
        differences=tuple(
            NamedDifference(each.text("kind"), each.text("words")) for each in fields.items("differences")
        ),
        score=fields.number("score"),
        recorded=_decided(fields.part("recorded")),
        afresh=_decided(part) if (part := fields.optional_part("afresh")) else None,
        reads=cast("Literal['record', 'live']", one_of(fields, "reads", ("record", "live"))),
        moved=fields.texts("moved"),
        unrecorded=fields.texts("unrecorded"),
        decided_at=fields.instant("decided_at"),
    )


def _from_decided(decided: Decided) -> dict[str, Any]:
    return {
        "status": decided.status,
        "summary": decided.summary,
        "effects": [
            {"action": each.action, "arguments_json": json_text(each.arguments), "state": each.state}
            for each in decided.effects
        ],
        "model": decided.model,
        "prompt": decided.prompt,
        "turns": decided.turns,
        "reads": decided.reads,
        "input_tokens": decided.input_tokens,
        "output_tokens": decided.output_tokens,
        "cost_usd": decided.cost_usd,
    }


def _decided(fields: Fields) -> Decided:
    return Decided(
        status=fields.text("status"),
        summary=fields.text("summary"),
        effects=tuple(
            ComparedEffect(each.text("action"), each.json_object("arguments_json"), each.text("state"))
            for each in fields.items("effects")
        ),
        model=fields.text("model"),
        prompt=fields.text("prompt"),
        turns=fields.integer("turns"),
        reads=fields.integer("reads"),
        input_tokens=fields.integer("input_tokens"),
        output_tokens=fields.integer("output_tokens"),
        cost_usd=fields.number("cost_usd"),
    )
