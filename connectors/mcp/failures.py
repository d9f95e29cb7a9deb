"""What a failed call says about its effect. Pure, but for the errors that transports hand to the caller.

The protocol knows two errors: a result with `isError`, and an error of JSON-RPC. Neither says whether anything was done.
"""

import secrets
from typing import Any, Final

from connectors.errors import ActionError, FailedError, InDoubtError, UnusableResultError
from connectors.mcp.results import Answer, text_of

_METHOD_NOT_FOUND: Final = -32601
_INVALID_PARAMS: Final = -32602
_PARSE_ERROR: Final = -32700
_NO_ANSWER: Final = frozenset((-32000, -32001))
"""Connection closed, request timed out: what the protocol's client says itself."""
_OURS: Final = -32099
"""The code of errors that our own transports hand over; `data` tells them from a server's."""
_MESSAGE_LIMIT: Final = 500
_HANDED_OVER: Final = 1_000


class HandedOver:
    """Errors that a transport found and the caller of the request is to raise.

    They travel through the protocol's client as JSON-RPC errors that name a token, which no server can know.
    """

    def __init__(self) -> None:
        self._errors: dict[str, ActionError] = {}

    def put(self, error: ActionError) -> dict[str, Any]:
        """Return the JSON-RPC error in whose place `take` gives this one; of very many, the oldest are forgotten."""
        if len(self._errors) >= _HANDED_OVER:
            del self._errors[next(iter(self._errors))]
        token = secrets.token_hex(16)
        self._errors[token] = error
        return {"code": _OURS, "message": str(error)[:_MESSAGE_LIMIT], "data": token}

    def take(self, code: int, data: Any) -> ActionError | None:
        """Return the error that was put, once; None for a server's."""
        return self._errors.pop(data, None) if code == _OURS and isinstance(data, str) else None


def tool_error(tool: str, answer: Answer, *, changes: bool, refused: bool) -> ActionError:
    """Return what is raised for a result that says it is an error.

    Args:
        tool: its name.
        answer: what it said.
        changes: whether the action is a write.
        refused: whether an error promises that nothing was done.
    """
    said = text_of(answer)[:_MESSAGE_LIMIT]
    if changes and not refused:
        return InDoubtError(f"{tool} answered an error, not whether anything was done: {said}")
    return FailedError(said or f"{tool} failed", code="tool_error")


def rpc_error(tool: str, code: int, message: str, *, changes: bool, refused: bool) -> ActionError:
    """Return what is raised for an error of JSON-RPC.

    Only an unknown method proves that nothing was done. Servers answer "invalid params" also where their own code failed
    to validate something half-way through, so of a write it is in doubt unless `refused` promises otherwise.
    """
    said = f"{tool}: {message[:_MESSAGE_LIMIT]} (JSON-RPC {code})"
    if code == _METHOD_NOT_FOUND:
        return FailedError(said, code="method_not_found")
    if code == _PARSE_ERROR:
        return UnusableResultError(f"{tool}: its answer is no JSON-RPC message", executed=False)
    if code in _NO_ANSWER:
        return InDoubtError(f"{tool}: no answer ({message[:_MESSAGE_LIMIT]})")
    if code == _INVALID_PARAMS and (refused or not changes):
        return FailedError(said, code="invalid_params")
    return InDoubtError(said) if changes else FailedError(said, code="rpc_error")
