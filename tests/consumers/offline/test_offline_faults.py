"""Faults: drawn by a seeded die, and each of them exactly as bad as it says."""

from typing import Any

import orjson
import pytest

from consumers.offline.faults import Behaviour, Die, Mood, Refusal, Wrong, spoil
from consumers.offline.reply import Reply, call_of, calling

REPLY = calling(
    (call_of("erp.create_order", {"customer_id": "C-1", "quantity": 2}, 1), call_of("erp.x", {}, 2)),
    text="I order.",
)


def moods(behaviour: Behaviour, count: int) -> list[Mood]:
    die = Die(behaviour)
    return [die.draw() for _ in range(count)]


def test_by_default_nothing_ever_goes_wrong() -> None:
    assert set(moods(Behaviour(), 100)) == {Mood(0.0, None, None)}


def test_the_same_seed_gives_the_same_behaviour_and_another_seed_another() -> None:
    bad: dict[str, Any] = {"wrong": 0.5, "rate_limit": 0.3, "error": 0.3, "jitter_s": 1.0}
    assert moods(Behaviour(seed=1, **bad), 50) == moods(Behaviour(seed=1, **bad), 50)
    assert moods(Behaviour(seed=1, **bad), 50) != moods(Behaviour(seed=2, **bad), 50)


def test_switching_one_fault_on_does_not_move_the_others() -> None:
    plain = [mood.wrong for mood in moods(Behaviour(wrong=0.5), 50)]
    assert [mood.wrong for mood in moods(Behaviour(wrong=0.5, rate_limit=0.5, jitter_s=1), 50)] == plain


def test_probabilities_are_kept() -> None:
    drawn = moods(Behaviour(wrong=0.2, rate_limit=0.1, error=0.5), 4000)
    limited = sum(mood.refusal is Refusal.RATE_LIMIT for mood in drawn)
    broken = sum(mood.refusal is Refusal.ERROR for mood in drawn)
    assert 320 < limited < 480
    assert 1650 < broken < 1950
    assert {mood.wrong for mood in drawn} == {None, *Wrong}
    assert 700 < sum(mood.wrong is not None for mood in drawn) < 900


def test_first_come_the_rate_limits_then_the_errors_then_answers() -> None:
    refusals = [mood.refusal for mood in moods(Behaviour(rate_limit_first=2, error_first=1), 5)]
    assert refusals == [Refusal.RATE_LIMIT, Refusal.RATE_LIMIT, Refusal.ERROR, None, None]


def test_delays_stay_between_latency_and_latency_plus_jitter() -> None:
    delays = [mood.delay_s for mood in moods(Behaviour(latency_s=1.0, jitter_s=0.5), 200)]
    assert 1.0 <= min(delays) < 1.05
    assert 1.45 < max(delays) <= 1.5


@pytest.mark.parametrize(
    "bad",
    [
        {"wrong": 1.1},
        {"rate_limit": -0.1},
        {"error": 2},
        {"latency_s": -1},
        {"error_first": -1},
        {"wrong_kinds": ()},
    ],
)
def test_impossible_behaviour_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        Behaviour(**bad)


def test_invalid_json_does_not_parse() -> None:
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(spoil(REPLY, Wrong.INVALID_JSON).calls[0].arguments)


def test_an_unknown_tool_is_not_the_one_that_was_meant() -> None:
    assert spoil(REPLY, Wrong.UNKNOWN_TOOL).calls[0].name == "erp__create_order_unknown"


def test_one_argument_is_missing() -> None:
    assert orjson.loads(spoil(REPLY, Wrong.MISSING_ARGUMENT).calls[0].arguments) == {"quantity": 2}


def test_an_empty_answer_says_nothing_and_stops() -> None:
    assert spoil(REPLY, Wrong.EMPTY) == Reply((), "", None, "stop")


def test_a_truncated_answer_breaks_off_in_the_middle_and_says_so() -> None:
    cut = spoil(REPLY, Wrong.TRUNCATED)
    assert (cut.finish_reason, cut.text, len(cut.calls)) == ("length", "I or", 1)
    assert REPLY.calls[0].arguments.startswith(cut.calls[0].arguments)


@pytest.mark.parametrize("wrong", [Wrong.INVALID_JSON, Wrong.UNKNOWN_TOOL, Wrong.MISSING_ARGUMENT])
def test_only_the_first_call_is_wrong_and_text_without_calls_becomes_empty(wrong: Wrong) -> None:
    assert spoil(REPLY, wrong).calls[1:] == REPLY.calls[1:]
    assert spoil(Reply((), "Hello."), wrong) == Reply()
