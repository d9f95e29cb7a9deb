"""What the catalog finds wrong with its actions before anything runs. Pure."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from connectors.action import Action, Effect, UndoByState
from connectors.arguments import parameters
from connectors.tool import DESCRIPTION_LIMIT

_CHANGING: Final = frozenset(
    ("cancel", "create", "delete", "insert", "pay", "purge", "refund", "remove", "send", "update")
)
"""Verbs with which no look-up begins."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake in an action's declaration.

    Attributes:
        action: full name of the action.
        message: what is wrong.
        hint: what to write instead.
        where: `file:line` of the action's function.
    """

    action: str
    message: str
    hint: str
    where: str


def lint_actions(actions: Mapping[str, Action]) -> list[Finding]:
    """Return every finding, ordered by action name."""
    return [
        Finding(name, message, hint, actions[name].where)
        for name in sorted(actions)
        for message, hint in _mistakes(actions[name], actions)
    ]


def close_match(name: str, known: Iterable[str]) -> str:
    """Return ` Did you mean …?` for the nearest known name, or an empty string."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]}?" if near else ""


def required_parameters(action: Action) -> list[str]:
    """Return the names of the arguments that have no default, in declared order."""
    return [name for name, field in parameters(action.arguments).items() if field.is_required()]


def _mistakes(action: Action, actions: Mapping[str, Action]) -> Iterator[tuple[str, str]]:
    yield from _documentation(action)
    yield from _defaults(action)
    yield from _effect(action)
    yield from _repetition(action)
    yield from _compensation(action, actions)
    yield from _reconciliation(action, actions)
    yield from _examples(action)


def _documentation(action: Action) -> Iterator[tuple[str, str]]:
    if not action.description:
        yield "has no docstring", "its first sentence tells the model what the action does"
    for name, field in parameters(action.arguments).items():
        if not field.description:
            yield f"parameter {name} has no description", "add it under `Args:` in the docstring"
    length = len(action.tool["function"]["description"])
    if length > DESCRIPTION_LIMIT:
        yield (
            f"description, constraints and examples have {length} characters",
            f"model APIs accept {DESCRIPTION_LIMIT}: shorten them",
        )


def _defaults(action: Action) -> Iterator[tuple[str, str]]:
    """A default is journaled like any argument, and must validate again when a run is taken up."""
    for name, field in parameters(action.arguments).items():
        default = field.get_default(call_default_factory=True, validated_data={})
        if field.is_required() or default is None:
            continue
        try:
            kind: Any = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
            TypeAdapter(kind).validate_json(to_json(default), strict=True)
        except ValidationError as error:
            yield f"the default of {name} does not validate", error.errors()[0]["msg"]


def _effect(action: Action) -> Iterator[tuple[str, str]]:
    verb = action.name.partition(".")[2].partition("_")[0]
    if action.effect == "read" and verb in _CHANGING:
        yield (
            f"is a read, and is named as if it could {verb}",
            'a read runs any number of times and unjournaled: say effect="write", or name it after what it looks up',
        )


def _repetition(action: Action) -> Iterator[tuple[str, str]]:
    if action.effect == "write" and action.idempotency == "none" and action.reconcile is None:
        yield (
            "is a write without idempotency and without reconcile",
            'say how it is kept from happening twice, such as idempotency="ledger", or name a reconcile read',
        )
    if action.idempotency == "provider-key" and action.window is None:
        yield "relies on the system's key without a window", 'say how long the key is honoured: window="24h"'


def _compensation(action: Action, actions: Mapping[str, Action]) -> Iterator[tuple[str, str]]:
    match action.compensate:
        case None:
            return
        case UndoByState(read=read, actions=by_state):
            yield from _follows(action, read, "state read", "read", actions)
            if not any(by_state.values()):
                yield "names no compensation for any state", "leave `compensate` out: it cannot be undone"
            for name in filter(None, by_state.values()):
                yield from _follows(action, name, "compensation", "write", actions)
        case str(name):
            yield from _follows(action, name, "compensation", "write", actions)


def _follows(
    action: Action, name: str, what: str, effect: Effect, actions: Mapping[str, Action]
) -> Iterator[tuple[str, str]]:
    """Find out whether an action can be called with what this one returned and took."""
    following = actions.get(name)
    if following is None:
        yield f"names an unknown {what} {name}", _unknown(name, actions)
        return
    if following.effect != effect:
        yield f"its {what} {name} is a {following.effect}", f"a {what} must be a {effect}"
    returned = action.result.model_fields.keys() if action.result else frozenset[str]()
    provided = returned | parameters(action.arguments).keys()
    for parameter in required_parameters(following):
        if parameter not in provided:
            yield (
                f"neither returns nor takes {parameter}, which its {what} {name} needs",
                f"return a model with a field {parameter}, or give the parameter a default",
            )


def _reconciliation(action: Action, actions: Mapping[str, Action]) -> Iterator[tuple[str, str]]:
    if action.reconcile is None:
        return
    finder = actions.get(action.reconcile)
    if finder is None:
        yield f"names an unknown reconcile {action.reconcile}", _unknown(action.reconcile, actions)
        return
    if finder.effect != "read":
        yield f"its reconcile {finder.name} is a {finder.effect}", "finding out must not change anything"
    # The result does not count here: a write is reconciled because its result never came.
    for name in required_parameters(finder):
        if name not in parameters(action.arguments):
            yield (
                f"does not take {name}, which its reconcile {finder.name} needs",
                "a write is reconciled without its result, so its arguments must be enough",
            )


def _examples(action: Action) -> Iterator[tuple[str, str]]:
    for number, example in enumerate(action.examples, start=1):
        try:
            action.arguments.model_validate(example)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "it"
            yield f"example {number} does not validate", f"{place}: {first['msg']}"


def _unknown(name: str, actions: Mapping[str, Action]) -> str:
    return f"no such action in the catalog.{close_match(name, actions)}"
