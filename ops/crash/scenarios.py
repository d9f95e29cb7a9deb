"""The four scenarios: what is published for each, and how it has to end when nothing is struck."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from schemas.envelope import Envelope
from schemas.outcome import Status

TENANT: Final = "default"
SOURCE: Final = "/crash/shop"
TOPICS: Final = ("orders", "hasty-orders", "promises", "wishes")
"""Those with events."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario.

    Attributes:
        name: as the command line has it.
        about: in words.
        published: topic and type of each of its events; all of them share one session and are published at once.
        payload: beside the customer's id.
        status: of each of its outcomes.
        said: how the summary of each of them ends, in the order in which the runs end.
        held: whether a person is asked.
        effects: what is done in the sandbox, in order.
    """

    name: str
    about: str
    published: tuple[tuple[str, str], ...]
    status: Status
    said: tuple[str, ...]
    effects: tuple[str, ...]
    payload: Mapping[str, Any]
    held: bool = False


@dataclass(frozen=True, slots=True)
class Play:
    """A scenario as it is played once: all names in it are used for this one play.

    Attributes:
        scenario: what is played.
        name: of the play.
    """

    scenario: Scenario
    name: str

    @property
    def customer(self) -> str:
        return f"C-{self.name}"

    @property
    def session(self) -> str:
        return f"session {self.name}"

    def events(self) -> list[tuple[str, Envelope]]:
        """Return what is published, and where."""
        return [
            (
                topic,
                Envelope(
                    id=f"{self.name}-{number}",
                    type=kind,
                    source=SOURCE,
                    time=datetime.now(UTC),
                    tenant=TENANT,
                    session_id=self.session,
                    payload={"customer_id": self.customer, **self.scenario.payload},
                ),
            )
            for number, (topic, kind) in enumerate(self.scenario.published)
        ]


_ALL: Final = (
    Scenario(
        name="one",
        about="one action",
        published=(("orders", "order.placed"),),
        status=Status.SUCCESS,
        said=("the first of its session.",),
        effects=("create_order",),
        payload={},
    ),
    Scenario(
        name="saga",
        about="four writes, the last of which fails for good",
        published=(("promises", "order.promised"),),
        status=Status.COMPENSATED,
        said=("Undone: erp.schedule_shipment, erp.create_invoice, erp.create_order.",),
        effects=(
            *("create_order", "create_invoice", "schedule_shipment"),
            *("cancel_shipment", "cancel_invoice", "cancel_order"),
        ),
        payload={"rebate": 5000.0},
    ),
    Scenario(
        name="held",
        about="held for approval",
        published=(("wishes", "chair.wanted"),),
        status=Status.SUCCESS,
        said=("is noted.",),
        effects=("create_backorder",),
        payload={},
        held=True,
    ),
    Scenario(
        name="two",
        about="two events of one session, on two topics, published at once",
        published=(("orders", "order.placed"), ("hasty-orders", "order.placed")),
        status=Status.SUCCESS,
        said=("the first of its session.", "after another one of its session."),
        effects=("create_order", "create_order"),
        payload={},
    ),
)
SCENARIOS: Final[Mapping[str, Scenario]] = {scenario.name: scenario for scenario in _ALL}
"""The table."""
