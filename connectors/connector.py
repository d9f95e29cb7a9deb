"""A connector: the actions of one system, and how to open a client for it.

erp = Connector[HttpClient]("erp", "Orders, stock and invoices.", settings=ErpSettings, open=open_erp)

@erp.action(effect="read")
async def check_stock(call: Call[HttpClient], product_id: str) -> Stock: ...
"""

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from pydantic import BaseModel, ConfigDict

from connectors.action import Action, Call, Client, Compensation, Effect, Idempotency
from connectors.signature import DefinitionError, Signature, read_signature
from connectors.strict_schema import SchemaLimitError
from connectors.tool import build_tool

Settings = TypeVar("Settings", bound=BaseModel)
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_WINDOW = re.compile(r"([1-9]\d{0,5})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_TOOL_NAME_LIMIT = 64
"""Model APIs refuse longer function names."""


class NoSettings(BaseModel):
    """Settings of a connector that needs none."""

    model_config = ConfigDict(extra="forbid")


class Connector(Generic[Client]):
    """The actions of one system. Its name is the prefix of theirs and its key in the configuration.

    Attributes:
        name: lower case, single underscores, such as `erp`.
        description: one sentence for people.
        settings: pydantic model of its section of the configuration; secrets are `SecretStr`.
        open: `open(settings)` gives an async context manager that yields the client; it may connect lazily.
    """

    @overload
    def __init__(self: "Connector[None]", name: str, description: str) -> None: ...

    @overload
    def __init__(
        self,
        name: str,
        description: str,
        *,
        settings: type[Settings],
        open: Callable[[Settings], AbstractAsyncContextManager[Client]],
    ) -> None: ...

    def __init__(
        self,
        name: str,
        description: str,
        *,
        settings: type[BaseModel] = NoSettings,
        open: Callable[[Any], AbstractAsyncContextManager[Any]] = lambda _: nullcontext(),  # noqa: A002 - the word of the contract
    ) -> None:
        if not _NAME.fullmatch(name):
            raise DefinitionError(f"connector name {name!r}: use lower case and single underscores")
        self.name = name
        self.description = description
        self.settings = settings
        self.open = open
        self._actions: dict[str, Action] = {}

    @property
    def actions(self) -> Mapping[str, Action]:
        """The actions by full name, in the order they were declared; read-only."""
        return MappingProxyType(self._actions)

    def __repr__(self) -> str:
        return f"<Connector {self.name}: {len(self._actions)} actions>"

    def action(
        self,
        *,
        effect: Effect,
        idempotency: Idempotency = "none",
        window: str | None = None,
        compensate: Compensation | None = None,
        reconcile: str | None = None,
        protected: AbstractSet[str] = frozenset(),
        outward: bool = False,
        constraints: Sequence[str] = (),
        examples: Sequence[dict[str, Any]] = (),
    ) -> Callable[
        [Callable[Concatenate[Call[Client], Parameters], Coroutine[Any, Any, Result]]],
        Callable[Concatenate[Call[Client], Parameters], Coroutine[Any, Any, Result]],
    ]:
        """Declare the decorated function as the action `<connector>.<function name>`; returns it unchanged.

        Args:
            effect: `read` or `write`; there is no default, because a wrong one is expensive.
            idempotency: how a write is kept from happening twice.
            window: how long the system honours the key, such as `24h`; for `provider-key`.
            compensate: full name of the action that undoes this one, or `UndoByState`.
            reconcile: full name of the read that finds out whether this one took effect.
            protected: parameters that must match a trusted value: ids of whoever pays, receives or is changed. What
                the model made up, or took from free text, waits for a person.
            outward: whether it reaches people or systems outside, such as a customer's mailbox. After the model has
                read free text it then waits for a person, as does a write without `compensate`, unless the route
                names it.
            constraints: rules in words, shown to the model.
            examples: example arguments, shown to the model.

        Raises:
            DefinitionError: at import, where the declaration cannot work. What other actions must provide is
                checked later, by the catalog's lint.
        """

        def declare(
            function: Callable[Concatenate[Call[Client], Parameters], Coroutine[Any, Any, Result]],
        ) -> Callable[Concatenate[Call[Client], Parameters], Coroutine[Any, Any, Result]]:
            name = self._new_name(function)
            signature = read_signature(function, name=name)
            _check_protected(name, protected, signature)
            self._actions[name] = Action(
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
            return function

        return declare

    def _new_name(self, function: Callable[..., Any]) -> str:
        verb = function.__name__
        name = f"{self.name}.{verb}"
        if not _NAME.fullmatch(verb):
            raise DefinitionError(f"action name {name!r}: use lower case and single underscores")
        if len(name) + 1 > _TOOL_NAME_LIMIT:
            raise DefinitionError(f"action name {name!r}: longer than {_TOOL_NAME_LIMIT - 1} characters")
        if name in self._actions:
            raise DefinitionError(f"action {name} is declared twice, first at {self._actions[name].where}")
        return name


def parse_window(text: str, *, name: str) -> timedelta:
    """Return the duration that `24h`, `30m`, `90s` or `7d` names; `name` is for the message."""
    found = _WINDOW.fullmatch(text)
    if not found:
        raise DefinitionError(f"action {name}: window {text!r} is no duration; write 90s, 30m, 24h or 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _check_protected(name: str, protected: AbstractSet[str], signature: Signature) -> None:
    unknown = sorted(protected - signature.arguments.model_fields.keys())
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
        )
    except SchemaLimitError as error:
        raise DefinitionError(f"action {name} ({signature.where}): {error}") from error
