"""The contract suite's third part: a write that asks its system several times, whichever request or reply of it is lost.

    async def order() -> Trial:  # a new one each time, where a system takes the same only once
        return Trial("erp.create_order", {"reference": str(uuid4()), ...})

    async with FaultyLink.to(host, port) as link, erp.open(settings_for(link.port)) as client:
        await check_each_loss(erp, client, link, order, count=orders)

It performs real actions, once for each loss: give it a sandbox or a test account.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import uuid4

from connectors.action import Action
from connectors.connector import Connector
from connectors.errors import BusyError, InDoubtError, NotSentError
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

Making = Callable[[], Awaitable[Trial]]
"""Makes a trial, always of the same action, and puts into the system what that needs, such as an order to be cancelled; nothing is lost meanwhile."""

_MOST: Final = 200

Said = Literal["not happened", "in doubt", "done"]
"""What a write says of itself: by NotSentError or BusyError, by InDoubtError, by a result."""
_TRUE_OF: Final[dict[Said, tuple[int, ...]]] = {"not happened": (0,), "in doubt": (0, 1), "done": (1,)}
"""How often it may then have happened."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What came of one that was lost.

    Attributes:
        said: what the write said of itself.
        happened: how often it had happened then.
    """

    said: Said
    happened: int


async def check_each_loss(
    connector: Connector[Any],
    client: Any,
    link: FaultyLink,
    trial: Trial | Making,
    *,
    count: Count,
    lost: Literal["replies", "requests"] = "replies",
    most: int = _MOST,
) -> list[Loss]:
    """Whichever reply is lost, a write says what is true of it, and the way out of doubt that it declares leads to one effect.

    It is performed once, so that connections are there, and then anew for each reply of the exchange, with a key of its own: that
    one is lost, and all that follow. NotSentError or BusyError: it must not have happened. A result: it must have. InDoubtError:
    it may have, and at one reply at least it must have, or nothing would be shown. Then, under the same key, what the engine would
    do: perform it again; where it honours no key and is in doubt, ask `reconcile` first, and perform it again only if that
    finds nothing.

    Args:
        connector: the one under test.
        client: opened through the link.
        link: in front of the system.
        trial: a write, or what makes one for each key.
        count: effects in the system so far; nothing is lost meanwhile. What takes several steps has happened with one of them.
        lost: whether the system's replies are lost, or our requests on their way to it.
        most: of them that one performance may take.

    Returns:
        What came of each loss, in the order of the exchange.

    Raises:
        ContractError: it does not hold, or takes more than `most`.
    """
    made = await _made(trial)
    action = action_of(connector, made, effect="write")
    await perform_trial(action, client, made, str(uuid4()))
    losing = link.losing_replies if lost == "replies" else link.losing_requests
    losses: list[Loss] = []
    for after in range(most + 1):
        made, key = await _made(trial), str(uuid4())
        before, lost_before = await count(), link.lost
        when = f"{action.name}: of its {lost} number {after} was lost"
        with losing(after=after):
            said, result = await _told(action, client, made, key, when)
        loss = Loss(said, await count() - before)
        if link.lost == lost_before:
            hold(said == "done", f"{action.name}: nothing was lost, and it says: {said}")
            shown = losses if lost == "requests" else Loss("in doubt", 1) in losses
            why = "no request went through the link" if lost == "requests" else "in no doubt had it happened"
            hold(shown, f"{action.name}: {why}, so nothing is shown")
            return losses
        when += f", it says: {said}"
        hold(loss.happened in _TRUE_OF[said], f"{when}, and it happened {loss.happened} times")
        losses.append(loss)
        again = await _again(connector, client, action, made, key, loss, when)
        same = said != "done" or action.idempotency == "none" or again == result
        hold(same, f"{when} with {result!r}, and then the same key gave {again!r}")
        happened = await count() - before
        hold(happened == 1, f"{when}, and after its way out of doubt it happened {happened} times")
    raise ContractError(f"{action.name}: takes more than {most} {lost}; give `most`")


async def _made(trial: Trial | Making) -> Trial:
    return trial if isinstance(trial, Trial) else await trial()


async def _told(action: Action, client: Any, trial: Trial, key: str, when: str) -> tuple[Said, Any]:
    try:
        return "done", await perform_trial(action, client, trial, key)
    except (NotSentError, BusyError):
        return "not happened", None
    except InDoubtError:
        return "in doubt", None
    except Exception as error:
        raise ContractError(f"{when}, and it raised {error!r}") from error


async def _again(
    connector: Connector[Any],
    client: Any,
    action: Action,
    trial: Trial,
    key: str,
    loss: Loss,
    when: str,
) -> Any:
    """Do what the engine would do next; return what came of it in the end."""
    if action.idempotency == "none" and loss.said != "not happened":
        finder, asked = finder_of(connector, action, trial)
        found = await perform_trial(finder, client, asked, key)
        hold((found is not None) == bool(loss.happened), f"{when}, and {finder.name} finds {found!r}")
        if found is not None:
            return found
    result = await perform_trial(action, client, trial, key)
    if action.idempotency != "none":
        again = await perform_trial(action, client, trial, key)
        hold(result == again, f"{when}, and the same key gave {result!r}, then {again!r}")
    return result
