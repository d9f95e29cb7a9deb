"""What a write needs to find out what became of it: the entity as it is there now, and the read that compares."""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Final

from connectors.action import Call
from connectors.errors import FailedError
from connectors.odata.answers import Reply, entity_of
from connectors.odata.client import Deadline, ODataClient
from connectors.odata.entity import Exposed
from connectors.odata.section import Section

ABSENT: Final = "not_found"
STALE: Final = "stale"
UNCLEAR: Final = "unclear"
"""The code of a read that cannot tell: the doubt goes on to a person."""

Read = Callable[[tuple[str, ...], tuple[tuple[str, str], ...], Deadline], Coroutine[Any, Any, Reply]]
Outcome = Callable[[Call[ODataClient], dict[str, Any]], Coroutine[Any, Any, dict[str, Any] | None]]


def outcome_verb(verb: str) -> str:
    """Return the verb of the read that finds out whether a write took effect."""
    return f"outcome_of_{verb}"


def declare_outcome(
    section: Section, exposed: Exposed, verb: str, arguments: Mapping[str, Any], perform: Outcome
) -> None:
    """Declare the read that finds out whether a write took effect: with the same arguments, in the same call."""
    name = outcome_verb(verb)
    section.connector.declare(
        name,
        f"Find out whether {verb} with these arguments took effect in this call.",
        arguments=arguments,
        perform=perform,
        where=section.where,
        effect="read",
        result=exposed.result(section.model_name(name)),
    )


async def there(
    read: Read,
    exposed: Exposed,
    arguments: Mapping[str, Any],
    compared: Iterable[str],
    until: Deadline,
    *,
    expand: tuple[tuple[str, str], ...] = (),
) -> tuple[dict[str, Any], str | None] | None:
    """Return an entity as the service has it, with its ETag, or None where the service says that there is none.

    Args:
        read: `ODataClient.read`, or `before_change` where a change comes next.
        exposed: its entity set.
        arguments: which have its key.
        compared: what is read beside what is shown.
        until: for all requests of the call.
        expand: what else the query asks for.
    """
    names = ",".join(dict.fromkeys((*exposed.fields, *compared)))
    try:
        reply = await read((exposed.path(arguments),), (("$select", names), *expand), until)
    except FailedError as error:
        if error.code != ABSENT:
            raise
        return None
    return entity_of(reply, changes=False), reply.etag
