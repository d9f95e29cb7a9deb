"""A model behind an OpenAI-compatible endpoint, through the openai SDK's cheapest public way.

Measured against a stub on loopback, CPU µs of one call with 6 and with 40 tools: plain
`chat.completions.create` 2435 and 4797; messages and tools in `extra_body` 920 and 1082; `post(body=…)` 638 and
863; `post(content=bytes)` with the response as it came 558 and 583. So we encode and decode ourselves, and leave
connections, authentication and the sorting of statuses to the SDK.
"""

import asyncio
import logging
import os
import random
import time
from collections.abc import Awaitable, Callable

import aiohttp
import httpx2
from openai import OpenAIError

from consumers.adapters.openai_answer import UnreadableReplyError
from consumers.adapters.openai_client import open_client
from consumers.adapters.openai_faults import Fault, fault_of
from consumers.adapters.openai_responses import RESPONSES
from consumers.adapters.openai_settings import ModelSettings
from consumers.adapters.openai_wire import CHAT
from consumers.errors import ConfigurationError, UnavailableError
from consumers.router.exchange import Prompt, Reply
from consumers.telemetry.metrics import COST_USD, DECISIONS, MODEL_ERRORS, MODEL_SECONDS, TOKENS, Metrics

FORBID_REMOTE = "POINTSMAN_FORBID_REMOTE_MODELS"
"""Set to 1, this environment variable makes any endpoint that is not on this machine an error."""

_FIRST_PAUSE_S = 0.5

_log = logging.getLogger(__name__)


class OpenAIModel:
    """Implements `consumers.ports.model.Model`. Safe to use from many tasks of one event loop.

    Beside what the port says, `reply` raises DeadLetterError where the endpoint refuses this one prompt:
    reason `prompt_too_long` or `model_refused_request`.
    """

    def __init__(
        self,
        settings: ModelSettings,
        metrics: Metrics,
        *,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Connects with the first request.

        Args:
            settings: where the model is and how it is asked.
            metrics: counts answers, faults, tokens, seconds and cost.
            pause: waits so many seconds; tests own the time.

        Raises:
            ConfigurationError: the endpoint is remote and the environment forbids that.
        """
        if os.environ.get(FORBID_REMOTE) == "1" and not settings.is_loopback:
            raise ConfigurationError(
                f"model.base_url {settings.base_url} is not on this machine, and {FORBID_REMOTE}=1 forbids that"
            )
        self._settings = settings
        self._wire = RESPONSES if settings.api == "responses" else CHAT
        self._metrics = metrics
        self._pause = pause
        self._slots = asyncio.Semaphore(settings.max_concurrency)
        self._client = open_client(settings)
        self._warned = False

    async def reply(self, prompt: Prompt) -> Reply:
        """Ask once, retries inside; see the port."""
        name, started = self._settings.called, time.perf_counter()
        body = self._wire.request_body(prompt, self._settings)
        try:
            async with asyncio.timeout(self._settings.timeout_s) as limit:
                reply = await self._persist(body, limit)
        except TimeoutError:
            self._metrics.add(MODEL_ERRORS, name, "timeout")
            raise UnavailableError(f"model {name}: no answer within {self._settings.timeout_s:g} s") from None
        self._metrics.observe(MODEL_SECONDS, time.perf_counter() - started, name)
        self._metrics.add(DECISIONS, name)
        self._metrics.add(TOKENS, "input", by=reply.input_tokens)
        self._metrics.add(TOKENS, "output", by=reply.output_tokens)
        self._metrics.add(COST_USD, by=reply.cost_usd)
        return reply

    async def aclose(self) -> None:
        """Close the connections; requests in flight fail."""
        await self._client.close()

    async def _persist(self, body: bytes, limit: asyncio.Timeout) -> Reply:
        """Try until there is a reply, a fault that does not pass, or no time for another pause."""
        tries = 0
        while True:
            answer = await self._ask(body)
            if isinstance(answer, Reply):
                return answer
            self._metrics.add(MODEL_ERRORS, self._settings.called, answer.kind)
            fault = answer.error
            if not isinstance(fault, UnavailableError) or tries == self._settings.retries:
                raise fault
            pause_s = self._pause_s(tries, fault.after_s)
            deadline = limit.when()
            assert deadline is not None
            if (
                pause_s > self._settings.longest_pause_s
                or asyncio.get_running_loop().time() + pause_s >= deadline
            ):
                # Waiting here would hold the run's slot; the event can wait without one.
                raise fault
            tries += 1
            _log.info("model is busy", extra={"reason": answer.kind, "attempt": tries, "seconds": pause_s})
            await self._pause(pause_s)

    async def _ask(self, body: bytes) -> Reply | Fault:
        try:
            async with self._slots:
                response = await self._client.post(self._wire.path, cast_to=httpx2.Response, content=body)
            answer = self._wire.read_answer(response.content, self._settings, len(body))
        except UnreadableReplyError as error:
            return Fault("unreadable", UnavailableError(f"model {self._settings.called}: {error}"))
        # The SDK wraps most of its transport's errors, not all.
        except (OpenAIError, aiohttp.ClientError, OSError) as error:
            return fault_of(error, self._settings)
        if answer.estimated and not self._warned:
            self._warned = True
            _log.warning(
                "the endpoint sends no usage: tokens and cost are estimates from the length of the texts"
            )
        return answer.reply

    def _pause_s(self, tries: int, asked_s: float | None) -> float:
        """Return how long to wait: at least what was asked for, with jitter so that callers spread."""
        jitter = random.random()  # noqa: S311 - spreads load, protects nothing
        own_s = min(_FIRST_PAUSE_S * 2**tries, self._settings.longest_pause_s) * (0.5 + 0.5 * jitter)
        return own_s if asked_s is None else max(own_s, asked_s)
