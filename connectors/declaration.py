"""Putting an action together from what its author declares: the same for functions and for documents. Pure."""

import re
from collections.abc import Callable, Coroutine, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from typing import Any

from connectors.action import Action, Compensation, Effect, Idempotency
from connectors.arguments import parameters
from connectors.signature import DefinitionError, Signature
from connectors.strict_schema import SchemaLimitError
from connectors.tool import build_tool

_WINDOW = re.compile(r"([1-9]\d{0,5})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def new_action(
    name: str,
    signature: Signature,
    function: Callable[..., Coroutine[Any, Any, Any]],
    *,
    effect: Effect,
    idempotency: Idempotency,
    window: str | None,
    compensate: Compensation | None,
    reconcile: str | None,
    protected: AbstractSet[str],
    outward: bool,
    constraints: Sequence[str],
    examples: Sequence[dict[str, Any]],
) -> Action:
    """Return the action; `Connector.action` tells what each part means.

    Raises:
        DefinitionError: where the parts do not fit together.
    """
    _check_protected(name, protected, signature)
    return Action(
        name=name,
        description=signature.description,
        effect=effect,
        arguments=signature.arguments,
        perform=function,
        result=signature.result,
        idempotency=idempotency,
        window=None if window is None else parse_window(window, name=name),
        compensate=compensate,
        reconcile=reconcile,
        protected=frozenset(protected),
        outward=outward,
        constraints=tuple(constraints),
        examples=tuple(examples),
        tool=_tool(name, signature, constraints, examples),
        where=signature.where,
    )


def parse_window(text: str, *, name: str) -> timedelta:
    """Return the duration that `24h`, `30m`, `90s` or `7d` names; `name` is for the message."""
    found = _WINDOW.fullmatch(text)
    if not found:
        raise DefinitionError(f"action {name}: window {text!r} is no duration; write 90s, 30m, 24h or 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _check_protected(name: str, protected: AbstractSet[str], signature: Signature) -> None:
    unknown = sorted(protected - parameters(signature.arguments).keys())
    if unknown:
        raise DefinitionError(f"action {name} ({signature.where}) protects {unknown}, which it does not take")


def _tool(
    name: str, signature: Signature, constraints: Sequence[str], examples: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    try:
        return build_tool(
            name.replace(".", "__"),
            signature.description,
            signature.arguments,
            constraints=constraints,
            examples=examples,
            returns=signature.returns,
        )
    except SchemaLimitError as error:
        raise DefinitionError(f"action {name} ({signature.where}): {error}") from error
