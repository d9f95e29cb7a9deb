"""Models in order of preference, behind the port of one.

Each turn is one question, and one deployment answers it whole: nothing is ever put together from two answers, so a run
changes its model only between turns, and each decision says whose it is.

| what the deployment that is asked says                    | then                                                        |
|-----------------------------------------------------------|-------------------------------------------------------------|
| nothing, or that it is busy, after its own retries        | the next is asked; its breaker counts a fault               |
| that it is busy for so long                               | the next is asked; it is left alone for that long           |
| that it refuses us (HaltError: key, model, our own fields) | the next is asked; it is left alone for five minutes, and told of as an error |
| that the prompt is too long                               | the next is asked: its context may be larger                |
| that it refuses this prompt for another reason            | a dead letter: nobody shops around for a model that obeys   |

Where none answers: HaltError if all refuse us, DeadLetterError if the prompt is too long for all, else the event waits, at
least until the first of them may be asked again.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from connectors.breaker import Breaker, BreakerLimits, Permit, State
from consumers.errors import DeadLetterError, HaltError, RetryError, UnavailableError
from consumers.ports.model import Model
from consumers.router.exchange import Prompt, Reply
from consumers.telemetry.metrics import MODEL_BREAKER, MODEL_FALLBACKS, MODEL_REFUSED, Metrics

REFUSED_S: Final = 300.0
"""How long a deployment that refuses us is left alone: only an operator can mend it."""
TOO_LONG: Final = "prompt_too_long"
"""The reason of a dead letter that another model may not agree with."""
_STATES: Final = {State.CLOSED: 0.0, State.HALF_OPEN: 1.0, State.OPEN: 2.0}

_log = logging.getLogger(__name__)


class ClosableModel(Model, Protocol):
    """A model with connections."""

    async def aclose(self) -> None:
        """Close them."""
        ...


@dataclass(slots=True)
class _Deployment:
    label: str
    model: ClosableModel
    breaker: Breaker
    refusal: HaltError | None = None
    """Why it refuses us; None once it has said anything else since."""
    fault: str = ""
    """What was wrong with it last."""


class PreferredModels:
    """Implements `consumers.ports.model.Model`. Safe to use from many tasks of one event loop.

    The time of one reply is at most the sum of the deployments' `timeout_s`.
    """

    def __init__(
        self,
        models: Sequence[tuple[str, ClosableModel]],
        metrics: Metrics,
        *,
        limits: BreakerLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is asked yet.

        Args:
            models: each with what it is called, the preferred one first; at least one.
            metrics: says what each breaker does, who refuses us and who stood in.
            limits: when a breaker opens.
            clock: seconds that only grow; tests own the time.
        """
        self._metrics: Final = metrics
        self._deployments: Final = [
            _Deployment(label, model, Breaker(limits, clock=clock, told=self._teller(label)))
            for label, model in models
        ]
        for each in self._deployments:
            metrics.set(MODEL_BREAKER, 0, each.label)
            metrics.set(MODEL_REFUSED, 0, each.label)

    async def reply(self, prompt: Prompt) -> Reply:
        """Ask the first that may be asked, then the next ones; see the port and the table above."""
        too_long: list[DeadLetterError] = []
        waits: list[float] = []
        for number, each in enumerate(self._deployments):
            permit = each.breaker.admit()
            if permit is None:
                waits.append(each.breaker.wait_s)
                continue
            with permit:
                try:
                    reply = await self._ask(each, permit, prompt)
                except RetryError as error:
                    waits.append(max(each.breaker.wait_s, error.after_s or 0.0))
                    if len(self._deployments) == 1:
                        raise
                    continue
                except HaltError:
                    waits.append(each.breaker.wait_s)
                    continue
                except DeadLetterError as error:
                    if error.reason != TOO_LONG:
                        raise
                    too_long.append(error)
                    continue
            if number:
                self._metrics.add(MODEL_FALLBACKS, each.label)
            return replace(reply, deployment=each.label)
        raise self._nobody(too_long, waits)

    async def aclose(self) -> None:
        """Close the connections of all; requests in flight fail."""
        for each in self._deployments:
            await each.model.aclose()

    async def _ask(self, each: _Deployment, permit: Permit, prompt: Prompt) -> Reply:
        try:
            reply = await each.model.reply(prompt)
        except RetryError as error:
            each.fault = str(error)
            self._refuses(each, None)
            permit.failed(error.after_s)
            raise
        except HaltError as error:
            each.fault = str(error)
            self._refuses(each, error)
            permit.failed(REFUSED_S)
            raise
        except DeadLetterError:
            self._refuses(each, None)
            permit.succeeded()  # it works; this prompt is not for it
            raise
        self._refuses(each, None)
        permit.succeeded()
        return reply

    def _refuses(self, each: _Deployment, error: HaltError | None) -> None:
        if error:
            _log.error("model %s refuses us: %s", each.label, error)
        if bool(error) is not bool(each.refusal):
            self._metrics.set(MODEL_REFUSED, 1 if error else 0, each.label)
        each.refusal = error

    def _nobody(
        self, too_long: Sequence[DeadLetterError], waits: Sequence[float]
    ) -> HaltError | DeadLetterError | UnavailableError:
        refusals = [each.refusal for each in self._deployments if each.refusal]
        if len(refusals) == len(self._deployments):
            return refusals[0]
        if len(too_long) == len(self._deployments):
            return too_long[0]
        said = "; ".join(each.fault for each in self._deployments if each.fault)
        return UnavailableError(f"no model answers: {said}", after_s=min(waits) or None)

    def _teller(self, label: str) -> Callable[[State], None]:
        def tell(state: State) -> None:
            self._metrics.set(MODEL_BREAKER, _STATES[state], label)
            level = logging.WARNING if state is State.OPEN else logging.INFO
            _log.log(level, "model %s: its breaker is %s", label, state)

        return tell
