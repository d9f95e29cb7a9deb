"""From a record of an input topic to the run that worked it, as it is stored. Nothing is written."""

import logging
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal, Protocol

from consumers.ports.sessions import Body, SessionDamagedError, Sessions
from consumers.router.route import Route, RouteTable
from consumers.session import place
from consumers.session.key import SessionKey
from consumers.session.shapes import checked
from consumers.session.stored import DamagedError
from schemas.codec.records import RecordCodec
from schemas.envelope import Envelope
from schemas.errors import NoEventError, UnknownSchemaError, UnreadableError
from schemas.record import Record

_log = logging.getLogger(__name__)

Found = tuple[Envelope, Route, Mapping[str, Mapping[str, Any]]]
"""An event, the route it took, and the journal of its run as it is stored."""


class Journals(Protocol):
    """What looks runs up, and can do nothing else to a session."""

    async def read(self, key: SessionKey, run_id: str) -> Mapping[str, Body]:
        """Return the entries of a run by place; empty for one that is not known.

        Raises:
            RetryError: the store is unreachable.
            SessionDamagedError: what is stored cannot be read.
        """
        ...


class Missing(StrEnum):
    """Why there is no finished run to a record, in words."""

    UNREADABLE = "unreadable"
    UNROUTED = "no route"
    DAMAGED = "damaged in Redis"
    ERASED = "of an erased session"
    UNFINISHED = "not finished, or not remembered any more"


async def event_of(
    record: Record, codec: RecordCodec, routes: RouteTable
) -> tuple[Envelope, Route] | Literal[Missing.UNREADABLE, Missing.UNROUTED]:
    """Return the event of a record of a route's topic and the route that it takes, or why there is none.

    Raises:
        RegistryError: the registry of schemas cannot be asked.
    """
    of_topic = routes.of_topic(record.topic)
    assert of_topic is not None
    try:
        event = await codec.decode(
            record,
            tenant=of_topic.tenant,
            default_type=of_topic.event,
            session_field=of_topic.session_field,
        )
    except NoEventError:
        return (
            Missing.UNROUTED
        )  # as its topic is declared, it leads to nothing, like an event without a route
    except (UnreadableError, UnknownSchemaError):
        return Missing.UNREADABLE
    route = routes.find(record.topic, event.type)
    return Missing.UNROUTED if route is None else (event, route)


async def finished_run(
    record: Record, codec: RecordCodec, routes: RouteTable, sessions: Sessions
) -> Found | Missing:
    """Return the finished run of a record of a route's topic, or why there is none.

    Raises:
        RegistryError: the registry of schemas cannot be asked.
        RetryError: the store cannot.
    """
    found = await event_of(record, codec, routes)
    return found if isinstance(found, Missing) else await run_of(*found, sessions)


async def run_of(event: Envelope, route: Route, sessions: Journals) -> Found | Missing:
    """Return the finished run of an event, or why there is none.

    Raises:
        RetryError: the store cannot be asked.
    """
    try:
        entries = checked(await sessions.read(SessionKey(event.tenant, event.session_id), event.run_id))
    except (SessionDamagedError, DamagedError) as error:
        _log.warning("a run cannot be read", extra={"run": event.run_id, "error": str(error)})
        return Missing.DAMAGED
    if place.ERASED in entries:
        return Missing.ERASED
    return (event, route, entries) if place.OUTCOME in entries else Missing.UNFINISHED
