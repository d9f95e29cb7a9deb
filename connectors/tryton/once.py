"""Making one record for one key in a system that has no unique field for it."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from connectors.errors import FailedError
from connectors.tryton.afterwards import after_a_change
from connectors.tryton.system import Row, Tryton


async def make_once(
    tryton: Tryton,
    model: str,
    *,
    find: Callable[[], Awaitable[list[int]]],
    values: Callable[[], Awaitable[Row]],
) -> int:
    """Return the number of the record of a key: the oldest that is there, or a new one.

    The search after the making catches an earlier attempt whose request was still under way at the first search. Both
    attempts then agree on the older record, and the younger one is deleted while nothing has been done with it.

    Args:
        tryton: where.
        model: of the record.
        find: finds the numbers of the key's records.
        values: gives what a new one is made of; not called where one is found.
    """
    if found := await find():
        return min(found)
    made = await tryton.create(model, await values())
    with after_a_change(model):
        oldest = min([made, *await find()])
    if oldest != made:
        with suppress(FailedError):  # it is gone already, or somebody has it now
            await tryton.delete(model, made)
    return oldest
