"""The contract of an action: what it is called with, and what it says of itself."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel

Client = TypeVar("Client")
"""What a connector holds open for its actions: a pooled HTTP client, a database pool, nothing."""

Effect = Literal["read", "write"]
"""A read may run any number of times and beside others; a write is journaled and runs once."""

Idempotency = Literal["none", "provider-key", "natural", "ledger"]
"""How a write is kept from happening twice.

`provider-key`: the system honours our idempotency key inside `window`. `natural`: repeating it changes
nothing (an upsert). `ledger`: the key is stored in the same database transaction. `none`: it is sent at most
once; an unknown result needs `reconcile` or a person.
"""


@dataclass(frozen=True, slots=True)
class UndoByState:
    """A compensation that depends on what has become of the thing: a draft is deleted, a confirmed order cancelled.

    Attributes:
        read: full name of the read that tells its state; called like a compensation, with what result and arguments say.
        field: the field of that read's result which holds the state.
        actions: the compensation for each state; None, or a state that is not named, cannot be undone.
    """

    read: str
    field: str
    actions: Mapping[str, str | None]

    def __str__(self) -> str:
        return ", ".join(
            f"{self.field} {state}: {action or 'nothing'}" for state, action in self.actions.items()
        )


Compensation = str | UndoByState
"""What undoes an action: the full name of another one, or one of several."""


@dataclass(frozen=True, slots=True)
class Call(Generic[Client]):
    """One call of an action, as its function sees it.

    Attributes:
        client: what the connector's `open` yielded.
        key: the idempotency key; the same for every attempt at this call, never the model's to set.
        timeout_s: seconds left for this call. The caller enforces it, too.
        tenant: whose event this is.
        run_id: the run that calls, for the system's own logs.
    """

    client: Client
    key: str
    timeout_s: float
    tenant: str
    run_id: str


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a connector can be asked to do.

    Attributes:
        name: `<connector>.<verb>`, unique in a catalog.
        description: one sentence for the model and for people.
        effect: read or write.
        arguments: strict pydantic model of the arguments (unknown fields refused).
        perform: the function; called as `await perform(call, **arguments)`.
        result: pydantic model of the result, or None where it is any JSON-like value.
        idempotency: how a write is kept from happening twice.
        window: how long the system honours the key, for `provider-key`.
        compensate: what undoes this one, or None.
        reconcile: name of a read action that finds out whether this one took effect, or None.
        protected: arguments that must match a trusted value.
        outward: whether it reaches people or systems outside, such as a customer's mailbox.
        constraints: rules in words, shown to the model; they bind nobody.
        examples: example arguments, shown to the model, validated at start-up.
        tool: what the model API is shown (OpenAI function format), built once.
        where: `file:line` of the function, for messages.
    """

    name: str
    description: str
    effect: Effect
    arguments: type[BaseModel]
    perform: Callable[..., Awaitable[Any]]
    result: type[BaseModel] | None
    idempotency: Idempotency
    window: timedelta | None
    compensate: Compensation | None
    reconcile: str | None
    protected: frozenset[str]
    outward: bool
    constraints: tuple[str, ...]
    examples: tuple[dict[str, Any], ...]
    tool: dict[str, Any]
    where: str

    @property
    def tool_name(self) -> str:
        """The name as model APIs accept it: a dot is not allowed there, two underscores are."""
        return self.name.replace(".", "__")
