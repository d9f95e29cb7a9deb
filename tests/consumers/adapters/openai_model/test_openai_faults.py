"""What each failure of an endpoint becomes, and how often it was asked."""

import gzip
import socket

import pytest
from aiohttp import web

from consumers.errors import DeadLetterError, HaltError, RetryError
from consumers.telemetry.metrics import MODEL_ERRORS, Metrics
from tests.consumers.adapters.openai_model.endpoint import KEY, PROMPT, Endpoint, Make, ok, refused


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
async def test_a_busy_endpoint_is_tried_three_times_with_growing_pauses_then_the_event_waits(
    make: Make, endpoint: Endpoint, pauses: list[float], metrics: Metrics, status: int
) -> None:
    endpoint.answers = [refused(status, message="later")]
    with pytest.raises(RetryError, match=f"HTTP {status} .*later"):
        await make().reply(PROMPT)
    assert len(endpoint.asked) == 3
    assert 0.25 <= pauses[0] <= 0.5 <= pauses[1] <= 1.0
    assert metrics.value(MODEL_ERRORS, "stub", str(status)) == 3


async def test_a_fault_that_passes_is_survived(make: Make, endpoint: Endpoint) -> None:
    endpoint.answers = [refused(500), web.Response(body=b"<html>"), ok(content="done")]
    assert (await make().reply(PROMPT)).text == "done"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "120"}, 120.0),
        ({"retry-after-ms": "45000"}, 45.0),
        ({"Retry-After": "99999999"}, 3600.0),
    ],
)
async def test_a_long_wait_is_left_to_the_event(
    make: Make, endpoint: Endpoint, pauses: list[float], headers: dict[str, str], expected: float
) -> None:
    endpoint.answers = [refused(429, headers, message="slow down")]
    with pytest.raises(RetryError) as caught:
        await make().reply(PROMPT)
    assert caught.value.after_s == expected
    assert pauses == []
    assert len(endpoint.asked) == 1


async def test_a_pause_that_does_not_fit_into_the_time_left_is_not_made(
    make: Make, endpoint: Endpoint, pauses: list[float]
) -> None:
    endpoint.answers = [refused(429, {"Retry-After": "8"})]
    with pytest.raises(RetryError) as caught:
        await make(timeout_s=5).reply(PROMPT)
    assert caught.value.after_s == 8
    assert pauses == []


@pytest.mark.parametrize(("status", "code"), [(429, "insufficient_quota"), (402, "")])
async def test_an_empty_account_is_not_asked_again_at_once(
    make: Make, endpoint: Endpoint, status: int, code: str
) -> None:
    endpoint.answers = [refused(status, message="pay first", code=code)]
    with pytest.raises(RetryError, match="no credit") as caught:
        await make().reply(PROMPT)
    assert caught.value.after_s == 60
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, {"message": f"Incorrect API key provided: {KEY}"}),
        (403, {"message": "no access"}),
        (404, {"message": "The model `stub` does not exist", "code": "model_not_found"}),
        (400, {"message": "invalid model", "code": "model_not_found"}),
        (400, {"message": f"API key not valid: {KEY}. Please pass a valid API key."}),
        (400, {"message": "no such field", "param": "temperature", "code": "unsupported_value"}),
        (400, {"message": "bad schema", "param": "tools[0].function.parameters"}),
        (307, {"message": "moved"}),
    ],
)
async def test_what_would_fail_every_event_halts_without_showing_the_key(
    make: Make, endpoint: Endpoint, status: int, error: dict[str, str]
) -> None:
    endpoint.answers = [refused(status, {"Location": "/v1/chat/completions"}, **error)]
    with pytest.raises(HaltError) as caught:
        await make().reply(PROMPT)
    assert KEY not in str(caught.value)
    assert str(status) in str(caught.value)
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        (400, {"message": "too many tokens", "code": "context_length_exceeded"}, "prompt_too_long"),
        (400, {"message": "This model's maximum context length is 8192 tokens."}, "prompt_too_long"),
        (413, {"message": "too large"}, "prompt_too_long"),
        (400, {"message": "invalid content", "param": "messages[1].content"}, "model_refused_request"),
        (422, {"message": "no"}, "model_refused_request"),
    ],
)
async def test_what_is_wrong_with_this_event_is_a_dead_letter(
    make: Make, endpoint: Endpoint, status: int, error: dict[str, str], reason: str
) -> None:
    endpoint.answers = [refused(status, None, **error)]
    with pytest.raises(DeadLetterError) as caught:
        await make().reply(PROMPT)
    assert caught.value.reason == reason
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"choices": []}', b'{"error": {"code": 502}}'])
async def test_a_success_without_a_message_is_retried_then_waits(
    make: Make, endpoint: Endpoint, metrics: Metrics, body: bytes
) -> None:
    endpoint.answers = [web.Response(body=body, content_type="application/json")]
    with pytest.raises(RetryError):
        await make().reply(PROMPT)
    assert len(endpoint.asked) == 3
    assert metrics.value(MODEL_ERRORS, "stub", "unreadable") == 3


async def test_a_refused_connection_is_a_retry(make: Make) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(RetryError, match="no answer from"):
            await make(base_url=f"http://127.0.0.1:{bound.getsockname()[1]}/v1").reply(PROMPT)


async def test_a_connection_cut_before_the_answer_is_a_retry(make: Make, endpoint: Endpoint) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    endpoint.answers = [cut]
    with pytest.raises(RetryError, match="no answer from"):
        await make().reply(PROMPT)


async def test_an_endless_response_is_cut_off(make: Make, endpoint: Endpoint) -> None:
    sent = 0

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" " * 65_536)
            sent += 65_536

    endpoint.answers = [flood]
    with pytest.raises(RetryError, match="no answer from"):
        await make(retries=0).reply(PROMPT)
    assert sent < 32 * 1024 * 1024


async def test_a_body_is_asked_for_as_it_is_and_a_compressed_one_is_refused(
    make: Make, endpoint: Endpoint
) -> None:
    bomb = gzip.compress(b" " * 32 * 1024 * 1024)
    endpoint.answers = [web.Response(body=bomb, headers={"Content-Encoding": "gzip"})]
    with pytest.raises(RetryError, match="no answer from"):
        await make(retries=0).reply(PROMPT)
    assert endpoint.asked[0].headers["Accept-Encoding"] == "identity"
