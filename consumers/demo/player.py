"""Plays the story: publishes what each scene starts with, answers for the person, waits until it is over."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from aiokafka import AIOKafkaProducer

from consumers.adapters.kafka_outbox import KafkaOutbox
from consumers.demo.board import Board
from consumers.demo.rows import SceneView, poison_rows, repeat_rows, run_rows
from consumers.demo.stage import Stage
from consumers.demo.story import CASES, ORDER_REQUESTED, ORDERS, Again, Business, Poison, Scene
from consumers.policy.approvers import Signer
from schemas.codec.records import RecordCodec
from schemas.envelope import Envelope
from schemas.record import Headers

_APPROVER: Final = "the demo"
_SEND_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the story goes.

    Attributes:
        between_s: pause after each scene, so that people can read.
        thinking_s: how long the person takes for an approval.
        scene_s: how long one scene may take at most.
    """

    between_s: float = 0.0
    thinking_s: float = 0.0
    scene_s: float = 20.0


@dataclass(frozen=True, slots=True)
class Played:
    """A scene that was played.

    Attributes:
        scene: of the story.
        event: what was published, or None for a record that is no event.
        timed_out: whether it never came to its end.
    """

    scene: Scene
    event: Envelope | None
    timed_out: bool = False


class Player:
    """Plays scenes one after the other, each shown on the stage while it is on.

    Args:
        producer: started.
        codec: ready.
        outbox: for approvals.
        signer: signs them, as the person would.
        board: filled by the feed.
        stage: where scenes are shown.
        pace: how fast.
        performance: tells the events of this performance from those of another on the same data.
    """

    def __init__(
        self,
        producer: AIOKafkaProducer,
        codec: RecordCodec,
        outbox: KafkaOutbox,
        signer: Signer,
        board: Board,
        stage: Stage,
        pace: Pace,
        performance: str,
    ) -> None:
        self._producer = producer
        self._codec = codec
        self._outbox = outbox
        self._signer = signer
        self._board = board
        self._stage = stage
        self._pace = pace
        self._performance = performance
        self._events: dict[str, Envelope] = {}
        self._answered: set[str] = set()

    async def play(self, number: int, scene: Scene) -> Played:
        """Play one scene to its end, or until its time is up."""
        match scene.published:
            case Business() as business:
                event = business.envelope(self._performance)
                self._events[business.name] = event
                return await self._event(number, scene, event)
            case Again(name=name):
                return await self._again(number, scene, self._events[name])
            case Poison(value=value):
                return await self._poison(number, scene, value)

    async def _event(self, number: int, scene: Scene, event: Envelope) -> Played:
        def view() -> SceneView:
            run = self._board.run(event.run_id)
            return SceneView(number, scene, run_rows(event, run), run.outcome)

        await self._publish(event)
        return await self._watch(view, Played(scene, event))

    async def _again(self, number: int, scene: Scene, event: Envelope) -> Played:
        outcomes = len(self._board.run(event.run_id).outcomes)

        def view() -> SceneView:
            run = self._board.run(event.run_id)
            return SceneView(
                number, scene, repeat_rows(event, run), run.outcome if len(run.outcomes) > outcomes else None
            )

        await self._publish(event)
        return await self._watch(view, Played(scene, event))

    async def _poison(self, number: int, scene: Scene, value: bytes) -> Played:
        def view() -> SceneView:
            letters = tuple(letter for letter in self._board.dead_letters if letter.record.value == value)
            return SceneView(number, scene, poison_rows(value, letters), over=bool(letters))

        await self._send(ORDERS, b"poison", value, ())
        return await self._watch(view, Played(scene, None))

    async def _watch(self, view: Callable[[], SceneView], played: Played) -> Played:
        """Show the scene with every change, and answer for the person, until the scene is over."""
        try:
            async with asyncio.timeout(self._pace.scene_s):
                while not _over(now := view()):
                    self._stage.show(now)
                    if not await self._answer(played.event):
                        await self._board.change()
        except TimeoutError:
            played = replace(played, timed_out=True)
        self._stage.show(replace(view(), over=True))
        await asyncio.sleep(self._pace.between_s)
        return played

    async def _answer(self, event: Envelope | None) -> bool:
        """Approve the oldest request of an event that has no answer yet; return whether there was one."""
        requests = self._board.run(event.run_id).requests if event else ()
        request = next((r for r in requests if r.id not in self._answered), None)
        if request is None:
            return False
        await asyncio.sleep(self._pace.thinking_s)
        self._answered.add(request.id)
        yes = request.answered(
            "approve", approver=_APPROVER, comment="A good customer.", at=datetime.now(UTC)
        )
        await self._outbox.approval_decision(self._signer.signed(yes))
        return True

    async def _publish(self, event: Envelope) -> None:
        encoded = self._codec.encode(event)
        topic = ORDERS if event.type == ORDER_REQUESTED else CASES
        await self._send(topic, encoded.key, encoded.value, encoded.headers)

    async def _send(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        async with asyncio.timeout(_SEND_S):
            await self._producer.send_and_wait(topic, key=key, value=value, headers=list(headers))


def _over(view: SceneView) -> bool:
    return view.over or view.outcome is not None
