"""Both APIs said in the same words, so that one suite holds both wires."""

from dataclasses import dataclass
from typing import Any

import orjson

from consumers.adapters.openai_answer import Answer, Wire
from consumers.adapters.openai_responses import RESPONSES
from consumers.adapters.openai_settings import ModelSettings
from consumers.adapters.openai_wire import CHAT
from consumers.router.exchange import Prompt
from tests.answers.drafts import Api, Draft, written

SETTINGS = ModelSettings(name="stub", base_url="http://127.0.0.1/v1", temperature=0.0, tool_choice="required")


@dataclass(frozen=True)
class Dialect:
    """One API, as a test speaks it."""

    api: Api
    wire: Wire

    def read(self, *calls: dict[str, Any], **fields: Any) -> Answer:
        """Write an answer down and read it."""
        return self.read_document(self.document(*calls, **fields))

    def document(self, *calls: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Return an answer as an endpoint sends it."""
        made = [{"id": f"c{n}", "name": "erp__a", "arguments": "{}"} | call for n, call in enumerate(calls)]
        return written(Draft(self.api, made, **fields))

    def read_document(self, document: Any) -> Answer:
        """Read what an endpoint sent."""
        body = document if isinstance(document, bytes) else orjson.dumps(document)
        return self.wire.read_answer(body, SETTINGS, 401)

    def asked(self, prompt: Prompt, **settings: Any) -> dict[str, Any]:
        """Return the body of a request."""
        return orjson.loads(self.wire.request_body(prompt, SETTINGS.model_copy(update=settings)))


DIALECTS = (Dialect("chat", CHAT), Dialect("responses", RESPONSES))
