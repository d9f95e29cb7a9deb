"""The report finds what is not as it must be."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.sandbox.service.store import Store
from consumers.demo.board import Board, Published
from consumers.demo.ledger import Effect, effects_since, facts, last_effect
from consumers.demo.player import Played
from consumers.demo.process_age import process_age_s
from consumers.demo.story import STORY, Again, Business, Poison, Scene
from consumers.demo.verdicts import Report, judge
from schemas.dead_letter import DeadLetter
from schemas.envelope import Envelope
from schemas.outcome import Outcome, Status
from schemas.record import Record
from schemas.step import Step, StepKind

SCENE = STORY[0]
assert isinstance(SCENE.published, Business)
EVENT = SCENE.published.envelope("1")
EFFECT = Effect("key", "create_order", {"order_id": "O-1"}, 1)
WANTED = Counter(SCENE.facts)


def outcome(event: Envelope = EVENT, status: Status = Status.SUCCESS, summary: str = "Done.") -> Outcome:
    return Outcome(
        "o", event.run_id, event.id, event.type, event.source, "t", "s", "r", status, summary,
        (), 2, 100, 11, 0.5, event.time, event.time + timedelta(seconds=2),
    )  # fmt: skip


def intent(key: str = "key") -> Step:
    return Step(
        "i", EVENT.run_id, "t", "s", EVENT.id, EVENT.type, "t1/c0/intent", StepKind.INTENT, "a", {"key": key},
        EVENT.time,
    )  # fmt: skip


def board_with(*seen: Step | Published | DeadLetter) -> Board:
    board = Board()
    for one in seen:
        board.add(one)
    return board


def judged(
    board: Board, *, there: Counter[str] = WANTED, scene: Scene = SCENE, timed_out: bool = False
) -> Report:
    event = None if isinstance(scene.published, Poison) else EVENT

    def facts_of(effects: Iterable[Effect]) -> Counter[str]:
        return there if list(effects) else Counter()

    played = [Played(scene, event, timed_out)]
    return judge(played, board, [EFFECT], facts_of, first_outcome_s=1.0, story_s=2.0)


GOOD = (intent(), Published(outcome(), b"x"))


async def test_a_scene_that_went_well_is_well() -> None:
    report = judged(board_with(*GOOD))
    assert report.ok, report
    assert (report.turns, report.tokens, report.cost_usd, report.effects) == (2, 111, 0.5, 1)


@pytest.mark.parametrize(
    ("there", "says"),
    [
        (Counter(), "order confirmed: 0"),
        (WANTED + Counter({"order confirmed": 1}), "order confirmed: 2"),
        (WANTED + Counter({"refund": 1}), "refund: 1"),
    ],
)
async def test_too_little_too_much_and_too_different_are_found(there: Counter[str], says: str) -> None:
    report = judged(board_with(*GOOD), there=there)
    assert not report.ok
    assert says in report.findings[0].differs[0]


async def test_several_notes_on_a_case_are_fine_but_none_is_not() -> None:
    case = next(scene for scene in STORY if "case note" in scene.facts)
    assert judged(board_with(*GOOD), there=Counter({"case note": 3, "case resolved": 1}), scene=case).ok
    assert not judged(board_with(*GOOD), there=Counter({"case resolved": 1}), scene=case).ok


async def test_an_effect_that_no_run_announced_is_found() -> None:
    report = judged(board_with(intent("another"), GOOD[1]))
    assert report.unaccounted == ("create_order key",)
    assert not report.ok


async def test_another_status_than_told_is_found() -> None:
    report = judged(board_with(intent(), Published(outcome(status=Status.FAILED, summary="Broken."), b"x")))
    assert "it ended failed, not success: Broken." in report.findings[0].differs


async def test_a_scene_without_end_is_found() -> None:
    assert judged(board_with(intent()), timed_out=True).findings[0].differs == ("it did not end in time",)


async def test_different_bytes_of_one_outcome_are_found() -> None:
    assert not judged(board_with(*GOOD, Published(outcome(), b"y"))).ok


async def test_a_step_taken_twice_is_found() -> None:
    assert not judged(board_with(intent(), *GOOD)).ok


async def test_a_repeated_event_must_publish_its_outcome_again() -> None:
    again = next(scene for scene in STORY if isinstance(scene.published, Again))
    assert not judged(board_with(*GOOD), scene=again).ok
    assert judged(board_with(*GOOD, GOOD[1]), scene=again).ok


async def test_an_approval_that_nobody_was_asked_for_is_found() -> None:
    assert (
        "nobody was asked"
        in judged(board_with(*GOOD), scene=replace(SCENE, approved=True)).findings[0].differs
    )


async def test_a_poison_record_must_be_one_dead_letter() -> None:
    scene = next(scene for scene in STORY if isinstance(scene.published, Poison))
    assert isinstance(scene.published, Poison)
    record = Record("t", 0, 0, 0, None, scene.published.value)
    letter = DeadLetter(record, scene.published.reason, "e", 1, EVENT.time)
    assert not judged(board_with(intent(), letter), scene=scene).findings[0].differs
    for letters in ((), (letter, letter), (replace(letter, reason="unrouted"),)):
        assert judged(board_with(intent(), *letters), scene=scene).findings[0].differs


def test_facts_come_from_how_things_stand_now(tmp_path: Path) -> None:
    database = tmp_path / "sandbox.db"
    store = Store(database)
    try:
        before = last_effect(database)
        insert = (
            "INSERT INTO effects (key, action, arguments_digest, result, first_at) VALUES (?, ?, '', ?, '')"
        )
        for key, action, result in (
            ("1", "create_order", '{"order_id": "O-1000"}'),
            ("2", "cancel_order", '{"order_id": "O-1000"}'),
            ("3", "add_note", '{"case_ref": "K-1000"}'),
        ):
            store.reader.execute(insert, (key, action, result))
        store.reader.execute("UPDATE orders SET status = 'cancelled' WHERE order_id = 'O-1000'")
        effects = effects_since(database, before)
        assert [effect.key for effect in effects] == ["1", "2", "3"]
        assert facts(database, effects) == {"order cancelled": 1, "case note": 1}
        assert effects_since(database, last_effect(database)) == ()
    finally:
        store.close()


def test_the_age_of_the_process_grows() -> None:
    first = process_age_s()
    assert 0 < first <= process_age_s()
