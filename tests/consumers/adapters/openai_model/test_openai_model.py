"""The model adapter against endpoints on loopback: what it sends, counts, bounds and refuses."""

import asyncio

import orjson
import pytest
from aiohttp import web
from pydantic import ValidationError

from consumers.adapters.openai_model import FORBID_REMOTE, OpenAIModel
from consumers.adapters.openai_settings import ModelSettings, Price
from consumers.errors import ConfigurationError, RetryError
from consumers.offline import script_file, server
from consumers.offline.faults import Behaviour
from consumers.ports.model import Model
from consumers.router.decision import FINISH_TOOL
from consumers.router.exchange import Prompt
from consumers.telemetry.metrics import COST_USD, DECISIONS, MODEL_ERRORS, MODEL_SECONDS, TOKENS, Metrics
from tests.consumers.adapters.openai_model.endpoint import KEY, PROMPT, Endpoint, Make, completion, ok

SCRIPT = """
name: test
rules:
  - name: end
    finish: {status: completed, summary: All is done.}
"""


async def test_the_offline_model_answers_through_it(make: Make) -> None:
    script = script_file.parse(SCRIPT, where="test.yaml")
    event = orjson.dumps({"id": "1", "type": "order.requested", "payload": {}}).decode()
    prompt = Prompt([{"role": "user", "content": f"<event>{event}</event>"}], [FINISH_TOOL], 256)
    async with await server.serve(script) as offline:
        model: Model = make(base_url=offline.base_url, name="pointsman-offline")
        reply = await model.reply(prompt)
    assert [call.name for call in reply.calls] == ["finish"]
    assert orjson.loads(reply.calls[0].arguments)["summary"] == "All is done."
    assert reply.finish_reason == "tool_calls"


async def test_a_rate_limited_offline_model_is_asked_again_after_the_wait_it_asks_for(
    make: Make, pauses: list[float]
) -> None:
    script = script_file.parse(SCRIPT, where="test.yaml")
    busy = Behaviour(rate_limit_first=2, retry_after_s=3.0)
    async with await server.serve(script, behaviour=busy) as offline:
        await make(base_url=offline.base_url, name="pointsman-offline").reply(PROMPT)
    assert len(pauses) == 2
    assert all(pause >= 3.0 for pause in pauses)


async def test_the_request_has_key_model_tools_and_limits(make: Make, endpoint: Endpoint) -> None:
    endpoint.answers = [ok(content="done")]
    await make(temperature=0.0, tool_choice="required").reply(PROMPT)
    assert endpoint.asked[0].headers["Authorization"] == f"Bearer {KEY}"
    assert endpoint.asked[0].content_type == "application/json"
    assert endpoint.bodies[0] == {
        "model": "stub",
        "messages": [{"role": "user", "content": "<event>{}</event>"}],
        "max_completion_tokens": 256,
        "tools": [FINISH_TOOL],
        "tool_choice": "required",
        "parallel_tool_calls": True,
        "temperature": 0.0,
    }


async def test_usage_cost_and_time_are_counted(make: Make, endpoint: Endpoint, metrics: Metrics) -> None:
    endpoint.answers = [ok(content="done")]
    reply = await make(price=Price(input_per_m=2, output_per_m=10)).reply(PROMPT)
    assert (reply.input_tokens, reply.output_tokens) == (1000, 10)
    assert reply.cost_usd == pytest.approx(0.0021)
    assert metrics.value(TOKENS, "input") == 1000
    assert metrics.value(TOKENS, "output") == 10
    assert metrics.value(COST_USD) == pytest.approx(0.0021)
    assert metrics.value(DECISIONS, "stub") == 1
    assert metrics.value(MODEL_SECONDS, "stub") == 1


async def test_an_unknown_price_counts_at_the_ceiling(make: Make, endpoint: Endpoint) -> None:
    endpoint.answers = [ok(content="done")]
    reply = await make(price_ceiling=Price(input_per_m=100, output_per_m=100)).reply(PROMPT)
    assert reply.cost_usd == pytest.approx(0.101)


async def test_missing_usage_is_estimated_and_said_once(
    make: Make, endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint.answers = [web.json_response({**completion(content="x" * 40), "usage": None})]
    model = make()
    reply = await model.reply(PROMPT)
    await model.reply(PROMPT)
    assert reply.output_tokens == 10
    assert reply.input_tokens > 50
    assert caplog.text.count("estimates") == 1


async def test_an_endpoint_that_trickles_is_left_when_the_whole_time_is_over(
    make: Make, endpoint: Endpoint, metrics: Metrics
) -> None:
    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.Event().wait()
        return response

    endpoint.answers = [trickle]
    with pytest.raises(RetryError, match=r"within 0\.2 s"):
        await make(timeout_s=0.2).reply(PROMPT)
    assert metrics.value(MODEL_ERRORS, "stub", "timeout") == 1


async def test_no_more_requests_than_allowed_are_under_way_at_once(make: Make, endpoint: Endpoint) -> None:
    under_way, most, both_in = 0, 0, asyncio.Event()

    async def count(_: web.Request) -> web.StreamResponse:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if under_way == 2:
            both_in.set()
        await both_in.wait()
        under_way -= 1
        return ok(content="done")

    endpoint.answers = [count]
    model = make(max_concurrency=2)
    await asyncio.gather(*(model.reply(PROMPT) for _ in range(8)))
    assert most == 2


async def test_cancellation_passes(make: Make, endpoint: Endpoint) -> None:
    arrived = asyncio.Event()

    async def hang(_: web.Request) -> web.StreamResponse:
        arrived.set()
        await asyncio.Event().wait()
        return web.Response()

    endpoint.answers = [hang]
    task = asyncio.create_task(make().reply(PROMPT))
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_remote_endpoint_is_refused_where_the_environment_forbids_it(
    monkeypatch: pytest.MonkeyPatch, metrics: Metrics
) -> None:
    monkeypatch.setenv(FORBID_REMOTE, "1")
    with pytest.raises(ConfigurationError, match=FORBID_REMOTE):
        OpenAIModel(ModelSettings(name="gpt"), metrics)
    await OpenAIModel(ModelSettings(name="x", base_url="http://[::1]:1/v1"), metrics).aclose()


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost:1/v1", True),
        ("http://127.0.0.2/v1", True),
        ("http://[::1]/v1", True),
        ("http://127.0.0.1.example.org/v1", False),
        ("http://localhost.example.org/v1", False),
        ("http://10.0.0.1/v1", False),
    ],
)
def test_only_addresses_of_this_machine_are_loopback(url: str, *, loopback: bool) -> None:
    assert ModelSettings(name="x", base_url=url).is_loopback is loopback


@pytest.mark.parametrize(
    "url", ["ftp://host/v1", "host/v1", "https://me:pass-word@host/v1", "https://host/v1?key=k"]
)
def test_a_url_with_more_than_a_place_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ModelSettings(name="x", base_url=url)
    assert all("pass-word" not in problem["msg"] for problem in caught.value.errors())
