"""`pointsman model --ask`: one small question to each deployment of the configuration, and what it answers."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import typer

from consumers.adapters.openai_model import OpenAIModel
from consumers.adapters.openai_settings import ModelSettings
from consumers.app.model_section import Model
from consumers.app.models import deployment_settings
from consumers.cli.exits import FAILED, load, perform, refuse
from consumers.cli.screen import out, print_json, styled, table
from consumers.errors import PointsmanError
from consumers.router.decision import FINISH_TOOL, Decision, decide
from consumers.router.exchange import Prompt
from consumers.telemetry.metrics import Metrics

_QUESTION: Final = Prompt(
    [
        {"role": "system", "content": "You end runs by calling finish."},
        {"role": "user", "content": "This is a test of the connection. Call finish: completed, in one word."},
    ],
    [FINISH_TOOL],
    2048,  # models that reason need some for that
)


@dataclass(frozen=True, slots=True)
class Answered:
    """What one deployment said.

    Attributes:
        model: what the configuration calls it.
        api: which one was used.
        base_url: where it is.
        ok: whether a worker could use the answer.
        answer: it, or why there is none.
        seconds: until it was there, retries included.
        tokens: in and out.
        cost_usd: by the configured price.
    """

    model: str
    api: str
    base_url: str
    ok: bool
    answer: str
    seconds: float
    tokens: int = 0
    cost_usd: float = 0.0


def ask(config: Path, *, as_json: bool) -> None:
    """Ask all at once, print what each says, in order of preference; exit code 1 if one gave no usable answer."""
    file = load(config)
    if file.config.model is None:
        refuse(f"{config.name} has no section `model`: its routes decide by their plans")
    answers = perform(_answers(file.config.model))
    if as_json:
        print_json([asdict(each) for each in answers])
    else:
        made = table("model", "answer", "seconds", "tokens", "cost", right=("seconds", "tokens", "cost"))
        for each in answers:
            made.add_row(
                styled(f"{each.model}\n{each.api} at {each.base_url}", "bold" if each.ok else "red"),
                styled(each.answer),
                f"{each.seconds:.2f}",
                f"{each.tokens:,}",
                f"${each.cost_usd:.6f}",
            )
        out().print(made)
    if not all(each.ok for each in answers):
        raise typer.Exit(FAILED)


async def _answers(section: Model) -> Sequence[Answered]:
    return await asyncio.gather(*(_answer(each) for each in deployment_settings(section)))


async def _answer(settings: ModelSettings) -> Answered:
    started = time.perf_counter()
    model = OpenAIModel(settings, Metrics())
    try:
        reply = await model.reply(_QUESTION)
    except PointsmanError as error:
        seconds = time.perf_counter() - started
        return Answered(settings.called, settings.api, settings.base_url, False, str(error), seconds)
    finally:
        await model.aclose()
    decision = decide(reply, {})
    return Answered(
        model=settings.called,
        api=settings.api,
        base_url=settings.base_url,
        ok=not decision.needs_repair,
        answer=_said(decision),
        seconds=time.perf_counter() - started,
        tokens=reply.input_tokens + reply.output_tokens,
        cost_usd=reply.cost_usd,
    )


def _said(decision: Decision) -> str:
    problems = [decision.problem, *(call.problem for call in decision.calls)]
    if wrong := [problem for problem in problems if problem]:
        return f"answered, and it cannot be used: {'; '.join(wrong)}"
    assert decision.finish
    return f"{decision.finish.status}: {decision.finish.summary}"
