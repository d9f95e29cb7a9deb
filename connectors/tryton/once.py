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
    """Return the number of the record of a key: the one that is there, or a new one.

    The search after the making catches an earlier attempt whose request was still under way at the first search. The younger
    record is deleted while nothing has been done with it.

    Args:
        tryton: where.
        model: of the record.
        find: finds the numbers of the key's records, best first: whoever looks must see the same one first.
        values: gives what a new one is made of; not called where one is found.
    """
    if found := await find():
        return found[0]
    made = await tryton.create(model, await values())
    with after_a_change(model):
        best = [*await find(), made][0]
    if best != made:
        with suppress(FailedError):  # it is gone already, or somebody has it now
            await tryton.delete(model, made)
    return best
