"""A model that sees tokens in place of personal data, behind the port of one that sees everything."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from consumers.ports.model import Model
from consumers.privacy.register import Register
from consumers.privacy.run import PersonalRun
from consumers.privacy.token import TokenError
from consumers.router.exchange import Message, Prompt, Reply, ToolCall
from schemas.codec.json import read_object
from schemas.errors import UnreadableError


class PrivateModel:
    """Seals what is asked, opens what is answered.

    A token in the arguments of a call that is none of this session makes the whole call a mistake that the model is told
    about; in a text for people it stays as it is.
    """

    def __init__(self, model: Model, register: Register) -> None:
        self._model = model
        self._register = register

    async def reply(self, prompt: Prompt) -> Reply:
        """As the port says; the run that asks must be in hand."""
        run = self._register.of(prompt.run_id)
        # The system's message says what the configuration says.
        messages = [each if each["role"] == "system" else _sealed(each, run) for each in prompt.messages]
        reply = await self._model.reply(replace(prompt, messages=messages))
        calls = tuple(_opened(call, run) for call in reply.calls)
        return replace(reply, text=run.open_known(reply.text), calls=calls)


def _sealed(message: Message, run: PersonalRun) -> Message:
    sealed: dict[str, Any] = dict(message)
    content = message.get("content")
    if isinstance(content, str):
        said_by_model = message["role"] == "assistant"
        sealed["content"] = run.seal_text(content) if said_by_model else run.seal_json_text(content)
    if calls := message.get("tool_calls"):
        sealed["tool_calls"] = [_sealed_call(call, run) for call in calls]
    return sealed


def _sealed_call(call: Mapping[str, Any], run: PersonalRun) -> Mapping[str, Any]:
    function: Mapping[str, Any] = call["function"]
    return {**call, "function": {**function, "arguments": run.seal_json_text(function["arguments"])}}


def _opened(call: ToolCall, run: PersonalRun) -> ToolCall:
    try:
        said = read_object((call.arguments or "{}").encode(errors="replace"))
        opened = run.open(said)
    except UnreadableError:
        return call  # refused as it is by whoever reads it next
    except TokenError as error:
        why = f"{error}; copy tokens that stand for personal data whole, from the event or from results"
        return replace(call, problem=why)
    return call if opened == said else replace(call, arguments=orjson.dumps(opened).decode())
