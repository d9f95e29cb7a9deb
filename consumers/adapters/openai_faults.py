"""What a failed request to a model means, by who must act. Pure.

| what came back                                             | error                               |
|------------------------------------------------------------|-------------------------------------|
| no connection, no answer in time, 408, 409, 425, 429, 5xx  | UnavailableError                          |
| an empty account (402, `insufficient_quota`)               | UnavailableError after a minute           |
| 401, 403, 404, 3xx; 400 about key, model or our own fields | HaltError: every event would fail   |
| 413, 400 about the length of the context                   | DeadLetterError `prompt_too_long`   |
| any other 4xx                                              | DeadLetterError `model_refused_request` |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, cast

from openai import APIStatusError, APITimeoutError

from connectors.http_answer import retry_after_s
from consumers.adapters.openai_settings import ModelSettings
from consumers.errors import DeadLetterError, HaltError, PointsmanError, UnavailableError

_DETAIL_LIMIT: Final = 300
_EMPTY_ACCOUNT_S: Final = 60.0
_LONGEST_WAIT_S: Final = 3600.0
"""What an endpoint may ask for; a wrong clock there must not park an event for years."""
_BUSY: Final = frozenset((408, 409, 425, 429))
_OURS: Final = frozenset((401, 403, 404))
_TOO_LONG: Final = (
    "context_length",
    "context length",
    "context size",
    "context window",
    "prompt is too long",
)
_OUR_CODES: Final = frozenset(
    ("model_not_found", "invalid_model", "invalid_api_key", "unsupported_parameter")
)
_OUR_FIELDS: Final = (
    *("model", "tools", "tool_choice", "parallel_tool_calls", "temperature"),
    *("max_tokens", "max_completion_tokens", "max_output_tokens", "store", "instructions"),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """A failed request: a short kind for the metric, and the error to raise."""

    kind: str
    error: PointsmanError


@dataclass(frozen=True, slots=True)
class _Said:
    """What an error response says of itself; empty strings for what it leaves out."""

    message: str = ""
    code: str = ""
    param: str = ""


def fault_of(error: Exception, settings: ModelSettings) -> Fault:
    """Sort an error of the SDK or its transport. Messages hold neither the key nor more than a short detail."""
    if isinstance(error, APIStatusError):
        return _status_fault(error, settings)
    kind = "timeout" if isinstance(error, (APITimeoutError, TimeoutError)) else "connection"
    cause = type(error.__cause__ or error).__name__
    return Fault(
        kind, UnavailableError(f"model {settings.called}: no answer from {settings.base_url} ({cause})")
    )


def _status_fault(error: APIStatusError, settings: ModelSettings) -> Fault:
    status, said = error.status_code, _said(error.body)
    where = f"model {settings.called}: HTTP {status} from {settings.base_url}"
    text = where + _detail(said, settings)
    if status == HTTPStatus.PAYMENT_REQUIRED or "insufficient_quota" in said.code:
        return Fault(
            str(status),
            UnavailableError(f"{where}: the account has no credit left", after_s=_EMPTY_ACCOUNT_S),
        )
    if status in _BUSY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Fault(str(status), UnavailableError(text, after_s=_asked_wait_s(error.response.headers)))
    if status == HTTPStatus.UNAUTHORIZED:
        # Endpoints repeat parts of the key they refuse.
        return Fault(str(status), HaltError(f"{where}: the key is refused; see model.api_key"))
    if status in _OURS or status < HTTPStatus.BAD_REQUEST:
        return Fault(str(status), HaltError(text))
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE or _is_too_long(said):
        return Fault("prompt_too_long", DeadLetterError(text, reason="prompt_too_long"))
    if _is_our_mistake(said):
        return Fault(str(status), HaltError(text))
    return Fault(str(status), DeadLetterError(text, reason="model_refused_request"))


def _said(body: object) -> _Said:
    if not isinstance(body, Mapping):
        return _Said()
    document = cast("Mapping[str, Any]", body)
    code = document.get("code") or document.get("type")
    return _Said(
        message=str(document.get("message") or document.get("detail") or ""),
        code=str(code or ""),
        param=str(document.get("param") or ""),
    )


def _is_too_long(said: _Said) -> bool:
    text = f"{said.code} {said.message}".lower()
    return any(phrase in text for phrase in _TOO_LONG)


def _is_our_mistake(said: _Said) -> bool:
    """Whether a 400 is about what the configuration or the catalog says, not about this event."""
    if said.code in _OUR_CODES or "api key" in said.message.lower():
        return True
    field = said.param.partition("[")[0].partition(".")[0]
    return field in _OUR_FIELDS


def _asked_wait_s(headers: Mapping[str, str]) -> float | None:
    precise = headers.get("retry-after-ms", "")
    if precise.isascii() and precise.isdigit():
        return min(int(precise[:9]) / 1000, _LONGEST_WAIT_S)
    asked_s = retry_after_s(headers.get("retry-after"), now=datetime.now(UTC))
    return None if asked_s is None else min(asked_s, _LONGEST_WAIT_S)


def _detail(said: _Said, settings: ModelSettings) -> str:
    text = " ".join(said.message.split())
    key = settings.api_key.get_secret_value()
    if key:
        text = text.replace(key, "***")
    return f": {text[:_DETAIL_LIMIT]}" if text else ""
