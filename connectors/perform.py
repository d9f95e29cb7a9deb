"""Calling an action: JSON in, JSON out, whatever types its function works with."""

from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from connectors.action import Action, Call
from connectors.errors import UnusableResultError


async def perform(action: Action, call: Call[Any], arguments: BaseModel) -> Any:
    """Call the action's function with validated arguments and return its result as a JSON-like value.

    Not bounded in time: the caller wraps it in a timeout. Raises whatever the function raises; see
    `connectors.errors` for what that means.

    Raises:
        UnusableResultError: it did what it does, and what it returned is nothing JSON can say.

    Args:
        action: what to perform.
        call: client, key and deadline.
        arguments: an instance of `action.arguments`.
    """
    # From pairs: an argument may be called `keys`, which `dict` would take for the method of a mapping.
    result = await action.perform(call, **dict(iter(arguments)))
    # The effect is done: what of its result JSON cannot say must not turn it into doubt.
    try:
        return to_jsonable_python(result, serialize_unknown=True)
    except Exception as error:
        why = f"{action.name} returned what JSON cannot say ({type(error).__name__})"
        raise UnusableResultError(why, executed=True) from error


def argument_values(arguments: BaseModel) -> dict[str, Any]:
    """Return validated arguments as a JSON-like dict, defaults included: what is journaled and digested."""
    return arguments.model_dump(mode="json")
