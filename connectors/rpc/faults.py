"""From a fault inside of HTTP 200 to the one error of `connectors.errors` that is true. Pure.

A fault by itself says nothing about the effect: a procedure can raise after it has done its work. Only of those that are
listed is it known that nothing was done; any other one leaves a write in doubt.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from connectors.errors import ActionError, FailedError, InDoubtError
from connectors.rpc.answer import Fault

Meaning = Literal["refused", "stale", "doubt"]
"""What a fault means: a refusal that the model is told, a write that was based on what has changed since, or nothing that is
known."""

_MESSAGE_LIMIT: Final = 500
_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")

PROTOCOL: Final[Mapping[str, Meaning]] = MappingProxyType(
    {"-32700": "refused", "-32600": "refused", "-32601": "refused", "-32602": "refused"}
)
"""Faults that JSON-RPC itself has, and XML-RPC by custom: no JSON, no request, no such method, no such parameters."""

TRYTON_JSON: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "UserError": "refused",
        "UserWarning": "refused",
        "LoginException": "refused",
        "ConcurrencyException": "stale",
    }
)
"""What Tryton raises; its transaction is rolled back then."""

TRYTON_XML: Final[Mapping[str, Meaning]] = MappingProxyType(
    {"1": "refused", "2": "refused", "3": "refused", "4": "stale"}
)
"""The same by number."""


ODOO_JSON: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        f"odoo.exceptions.{name}": "refused"
        for name in (
            "AccessDenied",
            "AccessError",
            "MissingError",
            "RedirectWarning",
            "UserError",
            "ValidationError",
        )
    }
)
"""What Odoo raises for people to read; its transaction is rolled back then."""

ODOO_XML: Final[Mapping[str, Meaning]] = MappingProxyType({"2": "refused", "3": "refused", "4": "refused"})
"""The same by number: a warning, access denied, no right to it. Anything else is 1, with a traceback."""


def error_of(fault: Fault, meanings: Mapping[str, Meaning], *, changes: bool) -> ActionError:
    """Return what is to be raised.

    Args:
        fault: what came.
        meanings: what is known of faults, by name.
        changes: whether the call was to change something.
    """
    message = fault.message.strip() or fault.name or "a fault without a word"
    match meanings.get(fault.name, "doubt"):
        case "refused":
            return FailedError(message[:_MESSAGE_LIMIT], code=_code(fault.name))
        case "stale":
            return FailedError(message[:_MESSAGE_LIMIT], code="stale")
        case "doubt":
            # The message may be a traceback: of several lines the last one names the exception.
            last = message.strip().splitlines()[-1][:_MESSAGE_LIMIT]
            what = f"fault {fault.name}: {last}" if fault.name else f"fault: {last}"
            return InDoubtError(what) if changes else FailedError(what, code="rpc_fault")


def _code(name: str) -> str:
    """Return `user_error` for `UserError`, also behind a path of modules; `refused` for a number."""
    code = _WORDS.sub("_", name.rpartition(".")[2]).lower()
    return code if _CODE.fullmatch(code) else "refused"
