"""A connector: the actions of one system, and how to open a client for it.

erp = Connector[HttpClient]("erp", "Orders, stock and invoices.", settings=ErpSettings, open=open_erp)

@erp.action(effect="read")
async def check_stock(call: Call[HttpClient], product_id: str) -> Stock: ...
"""

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, nullcontext
from types import MappingProxyType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from pydantic import BaseModel, ConfigDict

from connectors.action import Action, Call, Client, Compensation, Effect, Idempotency
from connectors.declaration import new_action
from connectors.json_schema import arguments_from_schema
from connectors.returns import describe_returns
from connectors.schema_document import SchemaDocument
from connectors.schema_keywords import JsonSchema
from connectors.signature import DefinitionError, Signature, read_signature
from connectors.strict_schema import SchemaLimitError

Settings = TypeVar("Settings", bound=BaseModel)
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
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
        rehearses: its client asks `connectors.rehearsal` before everything that changes something.
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
        rehearses: bool = False,
    ) -> None: ...

    def __init__(
        self,
        name: str,
        description: str,
        *,
        settings: type[BaseModel] = NoSettings,
        open: Callable[[Any], AbstractAsyncContextManager[Any]] = lambda _: nullcontext(),  # noqa: A002 - the word of the contract
        rehearses: bool = False,
    ) -> None:
        if not _NAME.fullmatch(name):
            raise DefinitionError(f"connector name {name!r}: use lower case and single underscores")
        self.name = name
        self.description = description
        self.settings = settings
        self.open = open
        self.rehearses = rehearses
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

        def register(
            function: Callable[Concatenate[Call[Client], Parameters], Coroutine[Any, Any, Result]],
        ) -> Callable[Concatenate[Call[Client], Parameters], Coroutine[Any, Any, Result]]:
            name = self._new_name(function.__name__)
            signature = read_signature(function, name=name)
            self._actions[name] = new_action(
                name,
                signature,
                function,
                effect=effect,
                idempotency=idempotency,
                window=window,
                compensate=compensate,
                reconcile=reconcile,
                protected=protected,
                outward=outward,
                constraints=constraints,
                examples=examples,
            )
            return function

        return register

    def declare(
        self,
        verb: str,
        description: str,
        *,
        arguments: JsonSchema,
        perform: Callable[[Call[Client], dict[str, Any]], Coroutine[Any, Any, Any]],
        where: str,
        effect: Effect,
        document: SchemaDocument | None = None,
        result: type[BaseModel] | None = None,
        returns: tuple[str, ...] | None = None,
        idempotency: Idempotency = "none",
        window: str | None = None,
        compensate: Compensation | None = None,
        reconcile: str | None = None,
        protected: AbstractSet[str] = frozenset(),
        outward: bool = False,
        constraints: Sequence[str] = (),
        examples: Sequence[dict[str, Any]] = (),
    ) -> None:
        """Declare an action that a document describes and no signature does; the rest is as with `action`.

        Args:
            verb: the action is `<connector>.<verb>`.
            description: one sentence for the model and for people.
            arguments: JSON Schema of an object; `connectors.json_schema` tells what becomes of it.
            perform: called as `await perform(call, arguments)` with validated, JSON-like arguments by the names of the
                schema; what was left out is not there.
            where: `file:line` of the description, for messages.
            effect: `read` or `write`.
            document: what `#/…` references in `arguments` refer to, if not to itself; the same for all its actions.
            result: pydantic model of the result, or None where it is any JSON-like value.
            returns: what `describe_returns` says of it, where that is known already.
            idempotency: how a write is kept from happening twice.
            window: how long the system honours the key.
            compensate: what undoes this one.
            reconcile: the read that finds out whether this one took effect.
            protected: arguments that must match a trusted value.
            outward: whether it reaches people or systems outside.
            constraints: rules in words.
            examples: example arguments.

        Raises:
            DefinitionError: where the declaration cannot work; its cause is a JsonSchemaError where the schema cannot.
        """
        name = self._new_name(verb)
        try:
            model = arguments_from_schema(name, arguments, document=document)
        except SchemaLimitError as error:
            raise DefinitionError(f"action {name} ({where}): {error}") from error
        if returns is None:
            returns = describe_returns(result, "")
        self._actions[name] = new_action(
            name,
            Signature(" ".join(description.split()), model, result, where, returns),
            _by_name(model, perform),
            effect=effect,
            idempotency=idempotency,
            window=window,
            compensate=compensate,
            reconcile=reconcile,
            protected=protected,
            outward=outward,
            constraints=constraints,
            examples=examples,
        )

    def _new_name(self, verb: str) -> str:
        name = f"{self.name}.{verb}"
        if not _NAME.fullmatch(verb):
            raise DefinitionError(f"action name {name!r}: use lower case and single underscores")
        if len(name) + 1 > _TOOL_NAME_LIMIT:
            raise DefinitionError(f"action name {name!r}: longer than {_TOOL_NAME_LIMIT - 1} characters")
        if name in self._actions:
            raise DefinitionError(f"action {name} is declared twice, first at {self._actions[name].where}")
        return name


def _by_name(
    model: type[BaseModel], perform: Callable[[Call[Any], dict[str, Any]], Coroutine[Any, Any, Any]]
) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Return what calls `perform` with the arguments that were sent, by the names they were sent by."""
    names = [(name, info.alias or name, info.is_required()) for name, info in model.model_fields.items()]

    async def by_name(call: Call[Any], /, **values: Any) -> Any:
        sent = {
            known: values[name] for name, known, required in names if required or values[name] is not None
        }
        return await perform(call, sent)

    return by_name
