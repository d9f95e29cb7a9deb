"""The contract suite's second part: what a connector says and does when a network, or a system, fails.

    async with FaultyLink.to(host, port) as link, erp.open(settings_for(link.port)) as client:
        await check_lost_reply(erp, client, link, Trial("erp.create_order", {...}), count=orders)
        await check_silence(erp, client, link, Trial("erp.create_order", {...}))

These checks perform real actions: give them a sandbox or a test account. Each raises ContractError. For a write that asks its
system more than once there is `connectors.testing_losses`.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, cast
from uuid import uuid4

from pydantic import BaseModel, SecretBytes, SecretStr

from connectors.action import Action
from connectors.connector import Connector
from connectors.errors import ActionError, BusyError, FailedError, InDoubtError, UnusableResultError
from connectors.rehearsal import Rehearsed, rehearsal
from connectors.testing_link import FaultyLink
from connectors.testing_trial import (
    ContractError,
    Count,
    Trial,
    action_of,
    finder_of,
    hold,
    perform_trial,
)

_GRACE_S: Final = 2.0
"""How much later than its deadline an action may come back."""


async def check_lost_reply(
    connector: Connector[Any],
    client: Any,
    link: FaultyLink,
    trial: Trial,
    *,
    count: Count,
    after: int = 0,
) -> None:
    """A write whose reply is lost happened, is in doubt, and the way out of doubt that it declares leads to one effect.

    A key that is honoured, a natural write or a ledger: the same key again gives the result. Else `reconcile`: it finds what
    happened. The trial is performed once before, so that connections are there and the reply that is lost is the write's.

    Args:
        connector: the one under test.
        client: opened through the link.
        link: in front of the system.
        trial: a write that may be performed twice with two keys.
        count: effects in the system so far, not asked through the link.
        after: replies that come before the one that is lost, such as of a look-up or of BEGIN.
    """
    action = action_of(connector, trial, effect="write")
    await perform_trial(action, client, trial, str(uuid4()))
    key, before = str(uuid4()), await count()
    with link.losing_replies(after=after):
        await _raises(InDoubtError, action, client, trial, key, "its reply was lost")
    happened = await count() - before
    hold(
        happened == 1,
        f"{action.name}: its reply was lost and it happened {happened} times, so nothing is shown",
    )
    if action.idempotency != "none":
        result = await perform_trial(action, client, trial, key)
        again = await perform_trial(action, client, trial, key)
        hold(result == again, f"{action.name}: the same key gave {result!r}, then {again!r}")
    else:
        finder, asked = finder_of(connector, action, trial)
        result = await perform_trial(finder, client, asked, key)
        hold(result is not None, f"{action.name}: it happened, and {finder.name} finds no trace of it")
    happened = await count() - before
    hold(happened == 1, f"{action.name}: asked again after a lost reply, it happened {happened} times")


async def check_nothing_found(connector: Connector[Any], client: Any, trial: Trial) -> None:
    """The `reconcile` of a write that was never performed says so by None, and by nothing else."""
    action = action_of(connector, trial, effect="write")
    finder, asked = finder_of(connector, action, trial)
    result = await perform_trial(finder, client, asked, str(uuid4()))
    hold(result is None, f"{finder.name}: {action.name} was never performed, and it found {result!r}")


async def check_silence(
    connector: Connector[Any],
    client: Any,
    link: FaultyLink,
    trial: Trial,
    *,
    timeout_s: float = 0.3,
    after: int = 0,
) -> None:
    """An action whose system stays silent gives up at its deadline; a write is then in doubt, and the client goes on working.

    The trial is performed once before and once after.

    Args:
        connector: the one under test.
        client: opened through the link.
        link: in front of the system.
        trial: may be performed several times.
        timeout_s: the deadline.
        after: replies that come before the silence, such as of a look-up or of BEGIN; for a write, those before its own.
    """
    action = action_of(connector, trial)
    await perform_trial(action, client, trial, str(uuid4()))
    short, began = replace(trial, timeout_s=timeout_s), time.monotonic()
    late = f"its system was silent for {timeout_s:g} s"
    with link.silent(after=after):
        wanted = InDoubtError if action.effect == "write" else (InDoubtError, BusyError)
        await _raises(wanted, action, client, short, str(uuid4()), late, grace_s=_GRACE_S)
    took_s = time.monotonic() - began
    hold(took_s < timeout_s + _GRACE_S, f"{action.name}: {late}, and it came back after {took_s:.1f} s")
    await perform_trial(action, client, trial, str(uuid4()))


async def check_too_large(connector: Connector[Any], client: Any, trial: Trial) -> None:
    """An answer above the cap is refused as such: the trial asks for one."""
    action = action_of(connector, trial)
    try:
        result = await perform_trial(action, client, trial, str(uuid4()))
    except (UnusableResultError, FailedError) as error:
        hold(
            error.code == "result_too_large", f"{action.name}: an answer above the cap is called {error.code}"
        )
        return
    raise ContractError(f"{action.name}: an answer above the cap came through: {str(result)[:100]}")


async def check_refused(connector: Connector[Any], client: Any, trial: Trial, *, code: str) -> None:
    """What the system understands and refuses is a FailedError with this code."""
    action = action_of(connector, trial)
    error = await _raises(FailedError, action, client, trial, str(uuid4()), "the system refuses it")
    said = cast("FailedError", error).code
    hold(said == code, f"{action.name}: the system refuses it, which is called {said} and not {code}")


async def check_rehearsal(
    connector: Connector[Any], client: Any, trial: Trial, *, settings: BaseModel, count: Count
) -> None:
    """A write that is rehearsed shows its request, without a secret of the settings, and has no effect."""
    action = action_of(connector, trial, effect="write")
    hold(connector.rehearses, f"{connector.name}: does not say that it rehearses")
    before, shown = await count(), None
    with rehearsal(changes=True):
        try:
            await perform_trial(action, client, trial, str(uuid4()))
        except Rehearsed as told:
            shown = told.request
    hold(shown, f"{action.name}: in a rehearsal it showed no request")
    secret = next((each for each in _secrets(settings) if each in (shown or "")), None)
    hold(secret is None, f"{action.name}: in a rehearsal it showed a secret of the settings")
    hold(await count() == before, f"{action.name}: in a rehearsal it had an effect")


async def check_secrets_stay(
    connector: Connector[Any], settings: BaseModel, link: FaultyLink, trial: Trial
) -> None:
    """No secret of the settings shows in the client, in errors, or in what is logged at DEBUG, whatever happens.

    The trial is performed, then performed again while replies are lost and while the system is silent.

    Args:
        connector: the one under test.
        settings: lead through the link; their secrets are told apart from other text, so make them long.
        link: in front of the system.
        trial: may be performed several times.
    """
    action = action_of(connector, trial)
    said: list[str] = [repr(settings), str(settings)]
    kept = _Kept(said)
    root = logging.getLogger()
    level = root.level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    try:
        async with connector.open(settings) as client:
            await perform_trial(action, client, trial, str(uuid4()))
            said.append(repr(client))
            for fault in (link.losing_replies, link.silent):
                with fault():
                    said.extend(await _told(action, client, replace(trial, timeout_s=0.3)))
    finally:
        root.removeHandler(kept)
        root.setLevel(level)
    for secret in _secrets(settings):
        shown = next((text for text in said if secret in text), None)
        hold(shown is None, f"{connector.name}: a secret of its settings shows in what it says or logs")


async def _raises(
    wanted: type[ActionError] | tuple[type[ActionError], ...],
    action: Action,
    client: Any,
    trial: Trial,
    key: str,
    when: str,
    *,
    grace_s: float = 0.0,
) -> Exception:
    try:
        result = await perform_trial(action, client, trial, key, grace_s=grace_s)
    except wanted as error:
        return error
    except Exception as error:
        raise ContractError(f"{action.name}: {when}, and it raised {error!r}") from error
    raise ContractError(f"{action.name}: {when}, and it gave {result!r}")


async def _told(action: Action, client: Any, trial: Trial) -> list[str]:
    try:
        await perform_trial(action, client, trial, str(uuid4()), grace_s=_GRACE_S)
    except Exception as error:  # noqa: BLE001 - whatever it is, it must show no secret
        causes = (error, error.__cause__, error.__context__)
        return [text for cause in causes if cause for text in (str(cause), repr(cause))]
    return []


class _Kept(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(f"{record.getMessage()} {record.__dict__!r}")


def _secrets(value: Any) -> list[str]:
    match value:
        case SecretStr():
            return [value.get_secret_value()]
        case SecretBytes():
            return [value.get_secret_value().decode(errors="replace")]
        case BaseModel():
            return [secret for _, inner in value for secret in _secrets(inner)]
        case Mapping():
            entries = cast("Mapping[Any, Any]", value)
            return [secret for inner in entries.values() for secret in _secrets(inner)]
        case list() | tuple():
            return [secret for inner in cast("list[Any]", value) for secret in _secrets(inner)]
        case _:
            return []
