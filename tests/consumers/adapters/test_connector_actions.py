"""Actions of open connectors: whatever one does, the caller learns what is known about the effect."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from connectors.action import Call
from connectors.connector import Connector, NoSettings
from connectors.errors import (
    ActionError,
    BusyError,
    FailedError,
    InDoubtError,
    NotSentError,
    UnusableResultError,
)
from consumers.adapters.connector_actions import ConnectorActions
from consumers.adapters.connector_results import ResultLimits
from consumers.ports.actions import ActionRequest, Actions
from consumers.session.bounds import is_omitted
from consumers.telemetry.metrics import ACTION_SECONDS, ACTIONS, Metrics

SECRET = "s3cr3t-token"
Behave = Callable[[], Any]


class Settings(BaseModel):
    """With a secret, as real ones have."""

    token: SecretStr = SecretStr(SECRET)


class System:
    """What the connector holds open: it does whatever a test says."""

    def __init__(self) -> None:
        self.is_open = True
        self.behave: Behave = dict
        self.calls: list[Call[Any]] = []

    async def do(self, call: Call[Any]) -> Any:
        self.calls.append(call)
        result = self.behave()
        return await result if asyncio.iscoroutine(result) else result

    @asynccontextmanager
    async def open(self, _: Settings) -> AsyncGenerator["System"]:
        try:
            yield self
        finally:
            self.is_open = False


async def look(call: Call[System], number: int = 1) -> Any:
    """Look something up."""
    assert number
    return await call.client.do(call)


async def change(call: Call[System], number: int = 1) -> Any:
    """Change something."""
    assert number
    return await call.client.do(call)


def connector_to(system: System) -> Connector[System]:
    erp = Connector("erp", "A system that does what a test says.", settings=Settings, open=system.open)
    erp.action(effect="read")(look)
    erp.action(effect="write", reconcile="erp.look")(change)
    return erp


READ, WRITE = connector_to(System()).actions.values()


def request(action: Any, **arguments: Any) -> ActionRequest:
    return ActionRequest(action, arguments, key="key-1", tenant="acme", run_id="run-1")


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def system() -> System:
    return System()


@pytest.fixture
async def actions(metrics: Metrics, system: System) -> AsyncIterator[ConnectorActions]:
    async with ConnectorActions.open(
        [(connector_to(system), Settings())], metrics=metrics, timeout_s=0.1
    ) as opened:
        yield opened


def raising(error: BaseException) -> Behave:
    def behave() -> Any:
        raise error

    return behave


async def forever() -> None:
    await asyncio.Event().wait()


async def test_a_result_comes_back_and_the_call_knows_key_deadline_and_tenant(
    actions: Actions, system: System, metrics: Metrics
) -> None:
    system.behave = lambda: {"stock": 4}
    assert await actions.perform(request(READ, number=2)) == {"stock": 4}
    assert system.calls == [Call(system, "key-1", 0.1, "acme", "run-1")]
    assert metrics.value(ACTIONS, "erp.look", "done") == 1
    assert metrics.value(ACTION_SECONDS, "erp.look") == 1


async def test_clients_are_closed_at_the_end_and_when_a_later_one_does_not_open(
    metrics: Metrics, system: System
) -> None:
    async with ConnectorActions.open([(connector_to(system), Settings())], metrics=metrics):
        assert system.is_open
    assert not system.is_open

    @asynccontextmanager
    async def broken(_: NoSettings) -> AsyncGenerator[None]:
        raise OSError("no route")
        yield

    system.is_open = True
    other = Connector[None]("crm", "Never opens.", settings=NoSettings, open=broken)
    with pytest.raises(OSError, match="no route"):
        async with ConnectorActions.open(
            [(connector_to(system), Settings()), (other, NoSettings())], metrics=metrics
        ):
            pass
    assert not system.is_open


@pytest.mark.parametrize("arguments", [{"number": "2"}, {"number": None, "more": 1}])
async def test_arguments_are_validated_again_and_a_wrong_one_reaches_no_system(
    actions: Actions, system: System, arguments: dict[str, Any]
) -> None:
    with pytest.raises(FailedError) as caught:
        await actions.perform(request(WRITE, **arguments))
    assert caught.value.code == "invalid_arguments"
    assert system.calls == []


async def test_an_action_of_a_connector_that_is_not_open_is_not_executed(metrics: Metrics) -> None:
    async with ConnectorActions.open([], metrics=metrics) as nothing:
        with pytest.raises(FailedError) as caught:
            await nothing.perform(request(WRITE))
    assert caught.value.code == "not_open"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BusyError("later", retry_after_s=3), "busy"),
        (NotSentError("refused"), "not_sent"),
        (InDoubtError("cut"), "in_doubt"),
        (FailedError("none left", code="out_of_stock"), "failed"),
    ],
)
@pytest.mark.parametrize("action", [READ, WRITE], ids=["read", "write"])
async def test_the_four_kinds_pass_as_they_are(
    actions: Actions, system: System, metrics: Metrics, action: Any, error: ActionError, status: str
) -> None:
    system.behave = raising(error)
    before = metrics.value(ACTIONS, action.name, status)
    with pytest.raises(type(error)) as caught:
        await actions.perform(request(action))
    assert caught.value is error
    assert metrics.value(ACTIONS, action.name, status) == before + 1


@pytest.mark.parametrize(
    "error",
    [
        KeyError("id"),
        ActionError("of no kind"),
        ExceptionGroup("several", [OSError("a"), ValueError("b")]),
        asyncio.CancelledError("something inside was cancelled"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_any_other_error_leaves_a_write_in_doubt_and_fails_a_read(
    actions: Actions, system: System, error: BaseException
) -> None:
    system.behave = raising(error)
    with pytest.raises(InDoubtError, match=type(error).__name__):
        await actions.perform(request(WRITE))
    with pytest.raises(FailedError, match=type(error).__name__) as caught:
        await actions.perform(request(READ))
    assert caught.value.code == "action_error"


@pytest.mark.parametrize("behave", [forever, raising(TimeoutError("socket"))], ids=["ours", "its own"])
async def test_time_that_runs_out_leaves_a_write_in_doubt_and_a_read_to_be_tried_again(
    actions: Actions, system: System, behave: Behave
) -> None:
    system.behave = behave
    with pytest.raises(InDoubtError, match=r"within 0\.1 s"):
        await actions.perform(request(WRITE))
    with pytest.raises(BusyError, match=r"within 0\.1 s"):
        await actions.perform(request(READ))


async def test_cancellation_passes_and_is_counted(actions: Actions, system: System, metrics: Metrics) -> None:
    started = asyncio.Event()

    async def hang() -> None:
        started.set()
        await forever()

    system.behave = hang
    task = asyncio.create_task(actions.perform(request(WRITE)))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert metrics.value(ACTIONS, "erp.change", "cancelled") == 1


async def test_a_failure_shows_no_secret_of_the_settings_not_even_in_the_log(
    actions: Actions, system: System, caplog: pytest.LogCaptureFixture
) -> None:
    for error in (FailedError(f"401 for {SECRET}"), RuntimeError(f"401 for {SECRET}")):
        system.behave = raising(error)
        with pytest.raises(FailedError, match="401 for") as caught:
            await actions.perform(request(READ))
        assert SECRET not in str(caught.value) + caplog.text


async def test_a_result_that_is_too_large_fails_a_read_and_is_replaced_for_a_write(
    actions: Actions, system: System
) -> None:
    system.behave = lambda: "x" * 70_000
    with pytest.raises(FailedError) as caught:
        await actions.perform(request(READ))
    assert caught.value.code == "result_too_large"
    assert "70,002 bytes" in str(await actions.perform(request(WRITE)))


class Unsayable:
    """JSON cannot say it, and it cannot be asked what it is."""

    def __repr__(self) -> str:
        raise RuntimeError


def circular() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


def breaking_off() -> Any:
    yield 1
    raise KeyError("row")


UNUSABLE: dict[str, Behave] = {
    "bytes": lambda: b"\xff",
    "key of bytes": lambda: {b"\xff": 1},
    "circular": circular,
    "breaks off": lambda: [breaking_off()],
    "nan": lambda: float("nan"),
    "huge": lambda: 1 << 70,
    "surrogate": lambda: {"name": "\ud800"},
    "surrogate key": lambda: {"\ud800": 1},
    "said by the connector": raising(UnusableResultError("no JSON", executed=True)),
}


@pytest.mark.parametrize("behave", UNUSABLE.values(), ids=UNUSABLE)
async def test_a_result_that_cannot_be_used_fails_a_read_and_a_write_is_done_and_not_in_doubt(
    actions: Actions, system: System, metrics: Metrics, behave: Behave
) -> None:
    system.behave = behave
    with pytest.raises(FailedError) as caught:
        await actions.perform(request(READ))
    assert caught.value.code == "result_unreadable"
    assert is_omitted(await actions.perform(request(WRITE)))
    assert len(system.calls) == 2, "and it is not repeated"
    assert metrics.value(ACTIONS, "erp.change", "done") == 1


async def test_what_json_cannot_say_but_text_can_is_said_as_text(actions: Actions, system: System) -> None:
    system.behave = lambda: {1: Unsayable(), None: {2.5}}
    assert await actions.perform(request(WRITE)) == {"1": "<Unserializable Unsayable object>", "None": [2.5]}


async def test_an_answer_that_does_not_say_whether_a_write_took_effect_leaves_it_in_doubt(
    actions: Actions, system: System
) -> None:
    system.behave = raising(UnusableResultError("too large", code="result_too_large", executed=False))
    with pytest.raises(InDoubtError, match="too large"):
        await actions.perform(request(WRITE))
    with pytest.raises(FailedError, match="ask for less") as caught:
        await actions.perform(request(READ))
    assert caught.value.code == "result_too_large"


async def test_bounds_on_results_are_given_from_outside(metrics: Metrics, system: System) -> None:
    opening = ConnectorActions.open(
        [(connector_to(system), Settings())], metrics=metrics, results=ResultLimits(bytes=10, depth=1)
    )
    async with opening as actions:
        system.behave = lambda: "x" * 10
        with pytest.raises(FailedError, match="more than 10"):
            await actions.perform(request(READ))
        system.behave = lambda: {"a": {}}
        with pytest.raises(FailedError, match="deeper than 1"):
            await actions.perform(request(READ))
