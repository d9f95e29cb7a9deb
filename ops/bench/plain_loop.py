"""What we compare with: the same job as a plain hand-written loop, as good as one can write it, without any safety.

Same I/O and libraries (aiokafka, the openai SDK on its aiohttp transport, aiohttp), the same prompt and tools, the
same model turns and actions, keys side by side and in order. Left out: validation, rules, journal, session, audit,
idempotency keys, retries, dead letters, limits of size, metrics; offsets are committed automatically.

`--fast` sends messages and tools around the SDK's own transformation of parameters.
"""

import argparse
import asyncio
import io
import json
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import aiohttp
import fastavro
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import ConsumerRecord
from openai import AsyncOpenAI, DefaultAioHttpClient, omit
from openai.types.chat import ChatCompletionMessage

IN_FLIGHT = 256
POLL_MS = 200
MAX_TURNS = 8
ORDERS = "erp.orders"
OUTCOMES = "pointsman.outcomes"
AVRO_PREFIX = 5  # a zero byte and the schema's id
SCHEMA_FILE = Path(__file__).parents[2] / "schemas" / "avro" / "order.requested.v1.avsc"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--model", required=True, help="base URL of the model")
    parser.add_argument("--sandbox", required=True, help="URL of the sandbox; its token is in $SANDBOX_TOKEN")
    parser.add_argument(
        "--prompt", required=True, type=Path, help="JSON file with system text, tools and limits"
    )
    parser.add_argument("--fast", action="store_true", help="messages and tools in extra_body")
    asyncio.run(serve(parser.parse_args()))


async def serve(options: argparse.Namespace) -> None:
    """Connect everything and work until SIGTERM."""
    consumer = AIOKafkaConsumer(
        ORDERS, bootstrap_servers=options.bootstrap, group_id="plain", auto_offset_reset="earliest"
    )
    producer = AIOKafkaProducer(bootstrap_servers=options.bootstrap)
    token = os.environ["SANDBOX_TOKEN"]
    prompt = orjson.loads(options.prompt.read_bytes())
    async with (
        aiohttp.ClientSession(options.sandbox, headers={"Authorization": f"Bearer {token}"}) as sandbox,
        AsyncOpenAI(base_url=options.model, api_key="none", http_client=DefaultAioHttpClient()) as model,
        consumer,
        producer,
    ):
        loop = PlainLoop(consumer, producer, sandbox, model, prompt, fast=options.fast)
        polling = asyncio.create_task(loop.poll())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, polling.cancel)
        with suppress(asyncio.CancelledError):
            await polling


class PlainLoop:
    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        producer: AIOKafkaProducer,
        sandbox: aiohttp.ClientSession,
        model: AsyncOpenAI,
        prompt: Mapping[str, Any],
        *,
        fast: bool,
    ) -> None:
        self.consumer = consumer
        self.producer = producer
        self.sandbox = sandbox
        self.model = model
        self.prompt = prompt
        self.fast = fast
        self.schema = fastavro.parse_schema(json.loads(SCHEMA_FILE.read_text()))
        self.slots = asyncio.Semaphore(IN_FLIGHT)
        self.last: dict[bytes | None, asyncio.Task[None]] = {}

    async def poll(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                batches = await self.consumer.getmany(timeout_ms=POLL_MS, max_records=IN_FLIGHT)
                for record in (one for batch in batches.values() for one in batch):
                    await self.slots.acquire()
                    before = self.last.get(record.key)
                    self.last[record.key] = group.create_task(self.in_turn(record, before))
                if not batches:
                    await asyncio.sleep(0.02)  # the embedded broker answers an empty fetch at once

    async def in_turn(self, record: Any, before: asyncio.Task[None] | None) -> None:
        """Work a record after the one before it of the same key."""
        if before:
            await before
        try:
            await self.work(record)
        finally:
            self.slots.release()
            if self.last[record.key] is asyncio.current_task():
                del self.last[record.key]

    async def work(self, record: ConsumerRecord[bytes, bytes]) -> None:
        assert record.value is not None
        headers = {name: value.decode() for name, value in record.headers}
        payload = fastavro.schemaless_reader(io.BytesIO(record.value[AVRO_PREFIX:]), self.schema, None)
        ending = await self.talk(headers, cast("dict[str, Any]", payload))
        outcome = {"event_id": headers["ce_id"], **ending}
        await self.producer.send_and_wait(
            OUTCOMES,
            orjson.dumps(outcome),
            key=record.key,
            headers=[("ce_id", f"outcome-{headers['ce_id']}".encode()), ("ce_type", b"run.finished")],
        )

    async def talk(self, headers: Mapping[str, str], payload: dict[str, Any]) -> dict[str, Any]:
        """Let the model choose until it ends; return what it said in the end."""
        shown = {name: payload[name] for name in self.prompt["fields"]}
        event = {
            "id": headers["ce_id"],
            "type": headers["ce_type"],
            "source": headers["ce_source"],
            "time": headers["ce_time"],
            "payload": shown,
        }
        messages: list[dict[str, Any]] = [
            {"role": "system", "content": self.prompt["system"]},
            {"role": "user", "content": f"<event>{orjson.dumps(event).decode()}</event>"},
        ]
        for _ in range(MAX_TURNS):
            said = await self.ask(messages)
            calls = [call for call in said.tool_calls or () if call.type == "function"]
            if calls and calls[0].function.name == "finish":
                return orjson.loads(calls[0].function.arguments)
            messages.append(
                {
                    "role": "assistant",
                    "content": said.content,
                    "tool_calls": [
                        {"id": c.id, "type": "function", "function": c.function.model_dump()} for c in calls
                    ],
                }
            )
            chosen = [(c.function.name, orjson.loads(c.function.arguments)) for c in calls]
            results = await asyncio.gather(*(self.act(name, arguments) for name, arguments in chosen))
            for call, result in zip(calls, results, strict=True):
                answer = orjson.dumps({"ok": True, "result": result}).decode()
                messages.append({"role": "tool", "tool_call_id": call.id, "content": answer})
        return {"status": "failed", "summary": "too many turns"}

    async def ask(self, messages: list[dict[str, Any]]) -> ChatCompletionMessage:
        said, tools = cast("Any", messages), self.prompt["tools"]
        completion = await self.model.chat.completions.create(
            model=self.prompt["model"],
            messages=[] if self.fast else said,
            tools=omit if self.fast else tools,
            extra_body={"messages": messages, "tools": tools} if self.fast else None,
            tool_choice="required",
            max_completion_tokens=self.prompt["max_output_tokens"],
        )
        return completion.choices[0].message

    async def act(self, name: str, arguments: dict[str, Any]) -> Any:
        match name:
            case "crm__get_customer":
                return await self.call("GET", f"/customers/{arguments['customer_id']}")
            case "erp__check_stock":
                return await self.call("GET", f"/products/{arguments['product_id']}")
            case "erp__create_order":
                return await self.call("POST", "/orders", arguments)
            case "erp__schedule_shipment":
                return await self.call("POST", "/shipments", arguments)
            case _:
                raise ValueError(f"no action {name}")

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else orjson.dumps(body)
        async with self.sandbox.request(method, path, data=data) as response:
            response.raise_for_status()
            return orjson.loads(await response.read())


if __name__ == "__main__":
    main()
