"""Models in order of preference: who is asked, who stands in, what is told, and when nobody is left."""

import asyncio
from dataclasses import dataclass, field

import pytest

from connectors.breaker import BreakerLimits
from consumers.adapters.preferred_models import REFUSED_S, PreferredModels
from consumers.errors import DeadLetterError, HaltError, PointsmanError, UnavailableError
from consumers.ports.model import Model
from consumers.router.exchange import Prompt, Reply
from consumers.telemetry.metrics import MODEL_BREAKER, MODEL_FALLBACKS, MODEL_REFUSED, Metrics

PROMPT = Prompt([], [], 10)
LIMITS = BreakerLimits(in_a_row=3, open_s=5.0)


def sound(model: str) -> Reply:
    return Reply(model, "done", (), "stop", 1, 1, 0.0)


@dataclass
class Deployment:
    """Answers, or raises what a test puts there."""

    name: str
    trouble: PointsmanError | None = None
    asked: int = 0
    closed: bool = False
    gate: asyncio.Event | None = None

    async def reply(self, prompt: Prompt) -> Reply:
        del prompt
        self.asked += 1
        if self.gate:
            await self.gate.wait()
        if self.trouble:
            raise self.trouble
        return sound(self.name)

    async def aclose(self) -> None:
        self.closed = True


@dataclass
class Stage:
    """Two deployments, and the time."""

    first: Deployment = field(default_factory=lambda: Deployment("first"))
    second: Deployment = field(default_factory=lambda: Deployment("second"))
    metrics: Metrics = field(default_factory=Metrics)
    now: float = 0.0

    def models(self, *only: Deployment) -> PreferredModels:
        named = [(each.name, each) for each in only or (self.first, self.second)]
        return PreferredModels(named, self.metrics, limits=LIMITS, clock=lambda: self.now)


async def test_the_first_answers_while_it_can_and_the_reply_says_who() -> None:
    stage = Stage()
    model: Model = stage.models()
    assert (await model.reply(PROMPT)).deployment == "first"
    assert stage.second.asked == 0
    assert stage.metrics.value(MODEL_FALLBACKS, "second") == 0


async def test_the_next_stands_in_for_one_that_is_away_and_the_first_is_preferred_again_once_it_is_back() -> (
    None
):
    stage = Stage()
    stage.first.trouble = UnavailableError("503")
    models = stage.models()
    for _ in range(5):
        assert (await models.reply(PROMPT)).deployment == "second"
    assert stage.first.asked == 3, "after three faults it is left alone"
    assert stage.metrics.value(MODEL_BREAKER, "first") == 2
    assert stage.metrics.value(MODEL_FALLBACKS, "second") == 5
    stage.first.trouble, stage.now = None, 5.0
    assert (await models.reply(PROMPT)).deployment == "first"
    assert stage.metrics.value(MODEL_BREAKER, "first") == 0


async def test_one_that_asks_to_be_left_alone_is_for_as_long_as_it_asked() -> None:
    stage = Stage()
    stage.first.trouble = UnavailableError("429", after_s=120.0)
    models = stage.models()
    await models.reply(PROMPT)
    stage.first.trouble, stage.now = None, 119.0
    assert (await models.reply(PROMPT)).deployment == "second"
    stage.now = 120.0
    assert (await models.reply(PROMPT)).deployment == "first"


async def test_a_refused_key_does_not_stop_the_worker_while_another_answers_and_is_told_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = Stage()
    stage.first.trouble = HaltError("401: the key is refused")
    models = stage.models()
    for _ in range(3):
        assert (await models.reply(PROMPT)).deployment == "second"
    assert stage.first.asked == 1
    assert stage.metrics.value(MODEL_REFUSED, "first") == 1
    assert [r.levelname for r in caplog.records if "refuses us: 401" in r.getMessage()] == ["ERROR"]
    stage.first.trouble, stage.now = None, REFUSED_S
    assert (await models.reply(PROMPT)).deployment == "first"
    assert stage.metrics.value(MODEL_REFUSED, "first") == 0


async def test_refused_by_all_the_worker_halts_also_when_it_asks_again() -> None:
    stage = Stage()
    stage.first.trouble, stage.second.trouble = HaltError("401 here"), HaltError("403 there")
    models = stage.models()
    for _ in range(2):
        with pytest.raises(HaltError, match="401 here"):
            await models.reply(PROMPT)


async def test_refused_by_one_and_without_an_answer_of_the_other_the_event_waits() -> None:
    stage = Stage()
    stage.first.trouble, stage.second.trouble = HaltError("401"), UnavailableError("503")
    with pytest.raises(UnavailableError, match="401; 503"):
        await stage.models().reply(PROMPT)


async def test_a_prompt_that_is_too_long_goes_on_to_a_model_with_a_larger_context() -> None:
    stage = Stage()
    stage.first.trouble = DeadLetterError("8192 tokens", reason="prompt_too_long")
    models = stage.models()
    for _ in range(5):
        assert (await models.reply(PROMPT)).deployment == "second"
    assert stage.first.asked == 5, "the model works: its breaker stays closed"


@pytest.mark.parametrize("other", [UnavailableError("503"), HaltError("401")])
async def test_a_prompt_too_long_for_one_waits_while_another_cannot_say(other: PointsmanError) -> None:
    stage = Stage()
    stage.first.trouble, stage.second.trouble = DeadLetterError("x", reason="prompt_too_long"), other
    with pytest.raises(UnavailableError):
        await stage.models().reply(PROMPT)


async def test_a_prompt_too_long_for_all_is_a_dead_letter() -> None:
    stage = Stage()
    stage.first.trouble = stage.second.trouble = DeadLetterError("x", reason="prompt_too_long")
    with pytest.raises(DeadLetterError):
        await stage.models().reply(PROMPT)


async def test_what_one_refuses_for_its_content_is_not_put_to_another() -> None:
    stage = Stage()
    stage.first.trouble = DeadLetterError("policy", reason="model_refused_request")
    with pytest.raises(DeadLetterError, match="policy"):
        await stage.models().reply(PROMPT)
    assert stage.second.asked == 0


async def test_a_single_model_says_itself_why_it_does_not_answer_and_then_how_long_to_wait() -> None:
    stage = Stage()
    stage.first.trouble = UnavailableError("model first: HTTP 503")
    models = stage.models(stage.first)
    for _ in range(3):
        with pytest.raises(UnavailableError, match=r"^model first: HTTP 503$"):
            await models.reply(PROMPT)
    stage.now = 1.0
    with pytest.raises(UnavailableError, match="no model answers: model first: HTTP 503") as caught:
        await models.reply(PROMPT)
    assert caught.value.after_s == 4.0
    assert stage.first.asked == 3


async def test_of_hundreds_of_events_one_probes_the_first_and_all_others_are_answered_by_the_second() -> None:
    stage = Stage()
    stage.first.trouble = UnavailableError("503")
    models = stage.models()
    for _ in range(3):
        await models.reply(PROMPT)
    stage.now, stage.first.trouble, stage.first.gate = 5.0, None, asyncio.Event()
    tasks = [asyncio.create_task(models.reply(PROMPT), name=f"event-{n}") for n in range(300)]
    while sum(task.done() for task in tasks) < 299:
        await asyncio.sleep(0)
    assert stage.first.asked == 4
    stage.first.gate.set()
    answered = [(await task).deployment for task in tasks]
    assert answered.count("first") == 1
    assert answered.count("second") == 299


async def test_a_probe_that_is_cancelled_lets_the_next_event_probe() -> None:
    stage = Stage()
    stage.first.trouble = UnavailableError("503", after_s=5.0)
    models = stage.models()
    await models.reply(PROMPT)
    stage.now, stage.first.trouble, stage.first.gate = 5.0, None, asyncio.Event()
    probe = asyncio.create_task(models.reply(PROMPT), name="probe")
    while stage.first.asked < 2:
        await asyncio.sleep(0)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    stage.first.gate.set()
    assert (await models.reply(PROMPT)).deployment == "first"


async def test_closing_closes_all() -> None:
    stage = Stage()
    await stage.models().aclose()
    assert stage.first.closed
    assert stage.second.closed
