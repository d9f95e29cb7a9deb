"""Renewing many leases at once, on every server that holds some."""

from collections.abc import Mapping, Sequence
from typing import Any

from redis.exceptions import ResponseError

from consumers.adapters.redis_connection import Client, busy_when_unreachable
from consumers.adapters.redis_nodes import each_where_it_belongs
from consumers.adapters.redis_scripts import Script
from consumers.errors import RetryError


async def renew_all(
    client: Client, renew: Script, leases: Mapping[str, Sequence[Any]]
) -> tuple[dict[str, bytes], RetryError | None]:
    """Run a script for each lease, in one round trip to each server that holds some.

    Args:
        client: where the leases are.
        renew: the script.
        leases: what it is to be told, by the key that it is about.

    Returns the answers there are, and the last error where some are missing: a server is away, or a session's keys are
    damaged.
    """
    async with busy_when_unreachable():
        answers = await each_where_it_belongs(
            client, {key: renew.words([key], about) for key, about in leases.items()}
        )
    states: dict[str, bytes] = {}
    failed, away = None, False
    for key, answer in answers.items():
        if not isinstance(answer, Exception):
            states[key] = answer
            continue
        # Asked singly, it is found where it is now. A server that is away is so for all that it holds; waiting for it
        # with each would take longer than leases last.
        refused = isinstance(answer, ResponseError)
        if away and not refused:
            continue
        try:
            async with busy_when_unreachable():
                states[key] = await renew([key], leases[key])
        except RetryError as error:
            failed, away = error, away or not refused
    return states, failed
