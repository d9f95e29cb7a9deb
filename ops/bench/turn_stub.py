"""A model that answers at once and always the same: two reads, then a write, then the end. Prints its address."""

import asyncio
import os
import sys
from typing import Any, Final

import orjson
from aiohttp import web

_ASSISTANT: Final = b'"role":"assistant"'


def call(number: int, name: str, **arguments: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": orjson.dumps(arguments).decode()}
    return {"id": f"call_{number}", "type": "function", "function": function}


def completion(*calls: dict[str, Any]) -> bytes:
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    return orjson.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_790_000_000,
            "model": "stub",
            "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls", "logprobs": None}],
            "usage": {"prompt_tokens": 900, "completion_tokens": 40, "total_tokens": 940},
        }
    )


ANSWERS: Final = (
    completion(call(1, "shop__customer", customer_id="C-1"), call(2, "shop__stock", product_id="P-1")),
    completion(call(3, "shop__order", customer_id="C-1", product_id="P-1", quantity=2)),
    completion(call(4, "finish", status="completed", summary="Order O-1 is placed.")),
)


async def answer(request: web.Request) -> web.Response:
    # With or without a space behind the colon, as each side writes its JSON.
    turns = (await request.read()).replace(b'": "', b'":"').count(_ASSISTANT)
    return web.Response(body=ANSWERS[min(turns, len(ANSWERS) - 1)], content_type="application/json")


async def serve() -> None:
    app = web.Application(client_max_size=8 * 1024 * 1024)
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    (address,) = runner.addresses
    sys.stdout.write(f"http://127.0.0.1:{address[1]}/v1\n")
    sys.stdout.flush()
    # Ends with whoever started it, even if that was killed.
    await asyncio.to_thread(os.read, 0, 1)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve())
