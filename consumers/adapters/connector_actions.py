"""The actions of the connectors that are open: bounded in time, number and size, and honest about failures."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from traceback import extract_tb
from typing import Any, Final, Self

from pydantic import BaseModel, ValidationError

from connectors.action import Action, Call
from connectors.connector import Connector
from connectors.egress import EgressError
from connectors.errors import ActionError, FailedError, UnusableResultError
from connectors.perform import perform
from connectors.secret import SecretUnavailableError
from consumers.adapters.connector_faults import fault_of, held_secrets, secrets_of, status_of
from consumers.adapters.connector_gate import CallLimits, Gate
from consumers.adapters.connector_results import DEFAULTS, ResultLimits, checked_result, stand_in
from consumers.ports.actions import ActionRequest
from consumers.router.decision import explain
from consumers.telemetry.metrics import ACTION_SECONDS, ACTIONS, EGRESS_REFUSALS, Metrics

_log = logging.getLogger(__name__)

_NO_LIMITS: Final[Mapping[str, CallLimits]] = {}


@dataclass(frozen=True, slots=True)
class _Opened:
    """A connector in use: its name, its client, the gate before its system, what must never be said."""

    name: str
    client: Any
    gate: Gate
    settings: BaseModel

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that are known now: some are fetched when they are needed, and rotated."""
        return secrets_of(self.settings)


class ConnectorActions:
    """Implements `consumers.ports.actions.Actions`. Use `open`; safe to use from many tasks of one loop."""

    def __init__(
        self, opened: Mapping[str, _Opened], metrics: Metrics, timeout_s: float, results: ResultLimits
    ) -> None:
        """Use `open`, which also closes the clients."""
        self._opened = opened
        self._metrics = metrics
        self._timeout_s = timeout_s
        self._results = results

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        connectors: Iterable[tuple[Connector[Any], BaseModel]],
        *,
        metrics: Metrics,
        timeout_s: float = 30.0,
        calls: Mapping[str, CallLimits] = _NO_LIMITS,
        results: ResultLimits = DEFAULTS,
    ) -> AsyncGenerator[Self]:
        """Open a client for each connector; all are closed at the end, and where a later one fails to open.

        Args:
            connectors: with their settings, which are instances of `connector.settings`.
            metrics: counts actions, by how they ended, and their seconds.
            timeout_s: of one call, and of the wait for a slot before it.
            calls: what the system of a connector can bear, by its name; the defaults for those that are missing.
            results: bounds on what comes back.
        """
        async with AsyncExitStack() as stack:
            opened: dict[str, _Opened] = {}
            for connector, settings in connectors:
                await _fetch_secrets(connector, settings, timeout_s)
                client = await stack.enter_async_context(connector.open(settings))
                name = connector.name
                gate = Gate(name, calls.get(name, CallLimits()), metrics, wait_s=timeout_s)
                opened[name] = _Opened(name, client, gate, settings)
            yield cls(opened, metrics, timeout_s, results)

    async def perform(self, request: ActionRequest) -> Any:
        """Perform one action; see the port. Cancellation passes, and leaves a write in doubt."""
        name, started, status = request.action.name, time.perf_counter(), "cancelled"
        try:
            result = await self._perform(request)
            status = "done"
        except ActionError as error:
            status = status_of(error)
            raise
        finally:
            self._metrics.add(ACTIONS, name, status)
            self._metrics.observe(ACTION_SECONDS, time.perf_counter() - started, name)
        return result

    async def _perform(self, request: ActionRequest) -> Any:
        action = request.action
        opened = self._opened.get(action.name.partition(".")[0])
        if opened is None:
            raise FailedError(f"{action.name}: its connector is not open", code="not_open")
        arguments = _validated(action, request.arguments)
        try:
            async with opened.gate.passed(action.name):
                result = await self._call(opened, request, arguments)
        except UnusableResultError as error:
            return stand_in(action, error)
        return checked_result(action, result, self._results)

    async def _call(self, opened: _Opened, request: ActionRequest, arguments: BaseModel) -> Any:
        action = request.action
        call = Call(opened.client, request.key, self._timeout_s, request.tenant, request.run_id)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await perform(action, call, arguments)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Nobody cancelled us: something inside the action was, and it did not notice.
            fault = self._fault(opened, action, error)
        # The contract of actions: whatever else they raise is sorted by what is known about the effect.
        except Exception as error:  # noqa: BLE001 - see above
            fault = self._fault(opened, action, error)
        # Raised outside the handlers: a traceback that shows the cause could show a secret in its text.
        raise fault

    def _fault(self, opened: _Opened, action: Action, error: BaseException) -> ActionError:
        if isinstance(error, EgressError):
            self._metrics.add(EGRESS_REFUSALS, opened.name)
            # A new one: those who wait for the same name to be resolved are raised the same object.
            refused = FailedError(f"connectors.{opened.name}.egress: {error}", code=error.code)
            _log.warning("a connection is refused", extra={"action": action.name, "error": refused})
            return refused
        fault = fault_of(action, error, opened.secrets, self._timeout_s)
        if fault is not error:
            place = extract_tb(error.__traceback__)[-1]
            where = f"{place.filename}:{place.lineno}"
            _log.warning(
                "an action raised what is no ActionError, at %s",
                where,
                extra={"action": action.name, "error": fault},
            )
        return fault


async def _fetch_secrets(connector: Connector[Any], settings: BaseModel, within_s: float) -> None:
    """Have secrets at hand for connectors that read them once, at the start; others wait until they can be had."""
    for secret in held_secrets(settings):
        try:
            await secret.fetch(within_s)
        except SecretUnavailableError as error:
            _log.warning("connector %s: its calls wait for a secret", connector.name, extra={"error": error})


def _validated(action: Action, arguments: Mapping[str, Any]) -> BaseModel:
    # They were validated when the model chose them; since then they went through a journal.
    try:
        return action.arguments.model_validate(arguments)
    except ValidationError as error:
        raise FailedError(f"{action.name}: {explain(error)}", code="invalid_arguments") from None
    except ValueError:
        raise FailedError(f"{action.name}: arguments are not JSON", code="invalid_arguments") from None
