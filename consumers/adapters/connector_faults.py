"""From whatever an action raised to one of the four kinds of ActionError, without secrets. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from pydantic import BaseModel, SecretBytes, SecretStr

from connectors.action import Action
from connectors.errors import ActionError, BusyError, FailedError, InDoubtError, NotSentError
from connectors.secret import Secret

MESSAGE_LIMIT: Final = 500
"""Characters of a message; it goes to the model, the journal and the logs."""

STATUSES: Final[Mapping[type[ActionError], str]] = {
    BusyError: "busy",
    NotSentError: "not_sent",
    InDoubtError: "in_doubt",
    FailedError: "failed",
}
"""The four kinds, by the label they are counted under."""

_HIDDEN: Final = "***"
_SHORTEST_SECRET: Final = 4
"""Hiding shorter ones would make messages unreadable and hide nothing."""
_CREDENTIALS: Final = (
    re.compile(r"(?<=://)[^/\s@]+(?=@)"),
    re.compile(r"(?i)(?<=\bbearer )\S+|(?<=\bbasic )\S+"),
)


def status_of(error: ActionError) -> str:
    """Return the label of an error's kind."""
    return next(status for kind, status in STATUSES.items() if isinstance(error, kind))


def fault_of(action: Action, error: BaseException, secrets: Iterable[str], timeout_s: float) -> ActionError:
    """Return what is to be raised for an error of an action.

    One of the four kinds stays the same object, its text cleaned. Anything else says nothing about the
    effect: a write is in doubt; a read has failed, or is worth another try where only time ran out.
    """
    if isinstance(error, (BusyError, NotSentError, InDoubtError, FailedError)):
        text = cleaned(str(error), secrets)
        if text != str(error):
            error.args = (text,)
        return error
    if isinstance(error, TimeoutError):
        text = f"no answer within {timeout_s:g} s"
        return InDoubtError(text) if action.effect == "write" else BusyError(text)
    text = cleaned(f"{type(error).__name__}: {error}", secrets)
    return InDoubtError(text) if action.effect == "write" else FailedError(text, code="action_error")


def cleaned(text: str, secrets: Iterable[str]) -> str:
    """Return a text without the given secrets and without what looks like credentials, cut to the limit."""
    for secret in secrets:
        text = text.replace(secret, _HIDDEN)
    for pattern in _CREDENTIALS:
        text = pattern.sub(_HIDDEN, text)
    return text[:MESSAGE_LIMIT]


def secrets_of(settings: BaseModel) -> tuple[str, ...]:
    """Return the values of all secrets in a connector's settings that are known, however deep, longest first."""
    values = (value for secret in _secrets(settings) for value in _values(secret))
    found = {value for value in values if len(value) >= _SHORTEST_SECRET}
    # A secret may be part of another one.
    return tuple(sorted(found, key=len, reverse=True))


def held_secrets(settings: BaseModel) -> tuple[Secret, ...]:
    """Return the secrets in a connector's settings that are looked up when they are used."""
    return tuple(secret for secret in _secrets(settings) if isinstance(secret, Secret))


def _values(secret: SecretStr | SecretBytes) -> Iterable[str]:
    match secret:
        case Secret():
            return secret.values
        case SecretStr():
            return (secret.get_secret_value(),)
        case SecretBytes():
            return (secret.get_secret_value().decode(errors="replace"),)


def _secrets(value: Any) -> Iterator[SecretStr | SecretBytes]:
    match value:
        case SecretStr() | SecretBytes():
            yield value
        case BaseModel():
            # Not dumped: that would ask some secrets for their values.
            for _, inner in value:
                yield from _secrets(inner)
        case Mapping():
            for inner in cast("Mapping[Any, Any]", value).values():
                yield from _secrets(inner)
        case list() | tuple() | set() | frozenset():
            for inner in cast("Sequence[Any]", value):
                yield from _secrets(inner)
        case _:
            return
