"""What a section of the configuration says of an action that it describes, whichever way the action is done."""

from typing import Any, Literal, TypedDict

from pydantic import BaseModel

from connectors.action import Compensation, Idempotency, UndoByState


class Contract(TypedDict):
    """The same, as `Connector.declare` takes it."""

    idempotency: Idempotency
    window: str | None
    compensate: Compensation | None
    reconcile: str | None
    protected: frozenset[str]
    outward: bool
    constraints: tuple[str, ...]
    examples: tuple[dict[str, Any], ...]


class DescribedAction(BaseModel):
    """Derive the settings of an action from it.

    Attributes:
        idempotency: how a write is kept from happening twice.
        window: how long the system honours the key.
        compensate: full name of the action that undoes this one, or a state's read and the action for each state.
        reconcile: full name of the read that finds out whether it took effect; it returns null where not.
        protected: arguments that must match a trusted value.
        outward: whether it reaches people or systems outside.
        constraints: rules in words.
        examples: example arguments.
    """

    idempotency: Literal["none", "provider-key", "natural"] = "none"
    window: str | None = None
    compensate: str | UndoByState | None = None
    reconcile: str | None = None
    protected: frozenset[str] = frozenset()
    outward: bool = False
    constraints: tuple[str, ...] = ()
    examples: tuple[dict[str, Any], ...] = ()

    def contract(self) -> Contract:
        """Return it for `Connector.declare`."""
        return Contract(
            idempotency=self.idempotency,
            window=self.window,
            compensate=self.compensate,
            reconcile=self.reconcile,
            protected=self.protected,
            outward=self.outward,
            constraints=self.constraints,
            examples=self.examples,
        )
