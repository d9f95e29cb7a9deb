"""What a session may be called: any text within bounds; what is beyond them is a dead letter that says so."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from redis.crc import key_slot

from consumers.adapters.own_messages import OwnMessages, OwnTopics
from consumers.app.handler import RecordHandler
from consumers.app.personal_data import PersonalData
from consumers.errors import DeadLetterError
from consumers.policy.approvers import Approvers
from consumers.router.route import RouteTable
from consumers.session.key import SessionKey
from consumers.telemetry.metrics import Metrics
from schemas.codec.records import RecordCodec
from schemas.record import Record
from schemas.registry.folder import FolderRegistry
from tests.consumers.run.shop_world import World
from tests.consumers.run.test_engine import ordering


class Handled:
    """A handler on the fakes of runs, with a codec that knows our own messages."""

    def __init__(self, session_field: str | None = None) -> None:
        self.world = World(ordering())
        object.__setattr__(self.world.route, "session_field", session_field)

    async def __call__(
        self,
        number: int,
        *,
        session: str | None = None,
        key: bytes | None = None,
        subject: str | None = None,
        payload: Mapping[str, Any] | None = None,
    ) -> None:
        codec = RecordCodec(FolderRegistry())
        await codec.ready()
        handler = RecordHandler(
            codec=codec,
            routes=RouteTable([self.world.route]),
            engine=self.world.engine(),
            messages=OwnMessages(codec, OwnTopics("steps", "approvals", "dead-letters", "parked", "redrive")),
            approvers=Approvers(),
            metrics=Metrics(),
            personal=PersonalData(None),
        )
        headers = {
            "ce_specversion": "1.0",
            "ce_id": f"e-{number}",
            "ce_source": "/shop",
            "ce_type": "order.requested",
            "ce_subject": subject,
            "ce_sessionid": session,
        }
        value = orjson.dumps({"quantity": 2, **(payload or {})})
        said = tuple((name, text.encode()) for name, text in headers.items() if text is not None)
        await handler(Record("orders", 0, number, 1_800_000_000_000, key, value, said), self.world.claim)

    @property
    def sessions(self) -> list[str]:
        return [each.session_id for each in self.world.sessions._sessions.values()]  # pyright: ignore[reportPrivateUsage] - what the store has


@pytest.mark.parametrize(
    "session",
    ["{}", "}{" * 200, "{a}:{b}", "C-100", "ü\u2028\U0001f600", " ", "../../etc/passwd", "x" * 512],
    ids=["braces", "many braces", "tags", "plain", "odd letters", "space", "path", "longest"],
)
async def test_any_text_within_bounds_names_a_session_of_one_slot(session: str) -> None:
    handled = Handled()
    await handled(1, session=session)
    await handled(2, session=session)
    assert handled.sessions == [session]
    assert handled.world.effects == ["order", "order"]
    key = SessionKey("acme", session)
    names = (key.meta, key.context, key.runs, key.journal("r"))
    assert len({key_slot(name.encode()) for name in names}) == 1


@pytest.mark.parametrize(
    ("session", "problem"),
    [
        ("x" * 10_240, "the session id has 10240 characters, the limit `attribute_chars` is 512"),
        ("ü" * 513, "the session id has 513 characters"),
        ("a\x00b", "the session id holds control characters"),
        ("a\nb", "the session id holds control characters"),
        ("\x1b[2J", "the session id holds control characters"),
        ("\x9b2J", "the session id holds control characters"),
    ],
    ids=["10 KB", "too long by one", "zero", "newline", "escape", "C1"],
)
@pytest.mark.parametrize("where", ["attribute", "field"])
async def test_what_names_no_session_is_a_dead_letter_and_its_neighbours_go_on(
    session: str, problem: str, where: str
) -> None:
    handled = Handled(session_field="order_ref")
    bad: dict[str, Any] = (
        {"session": session} if where == "attribute" else {"payload": {"order_ref": session}}
    )
    with pytest.raises(DeadLetterError, match=problem) as raised:
        await handled(1, **bad)
    assert raised.value.reason == "unreadable"
    assert len(str(raised.value)) < 200
    assert handled.sessions == []
    await handled(2, session="C-100")
    assert handled.sessions == ["C-100"]


async def test_an_empty_one_is_none_and_the_next_source_counts() -> None:
    handled = Handled(session_field="order_ref")
    await handled(1, session="", payload={"order_ref": "SO-1"}, key=b"k")
    await handled(2, session="", payload={"order_ref": ""}, key=b"k")
    await handled(3, session="", payload={"order_ref": None}, key=b"", subject="about")
    await handled(4, session="")
    assert handled.sessions == ["SO-1", "k", "about", "e-4"]


async def test_a_key_that_names_no_session_is_passed_over() -> None:
    handled = Handled()
    await handled(1, key=b"x" * 10_240, subject="about")
    await handled(2, key=b"\xff\xfe", subject="about")
    await handled(3, key=b"a\x00b", subject="about")
    assert handled.sessions == ["about"]
