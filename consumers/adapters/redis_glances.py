"""A quick look at many runs in Redis: one round trip to each server, and one more where some have not ended.

On one server it is a script, whose answer comes as one; in a cluster, a command for each run.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from redis.asyncio import RedisCluster
from redis.exceptions import ResponseError

from consumers.adapters.redis_connection import Client, busy_when_unreachable
from consumers.adapters.redis_damage import is_of_keys
from consumers.adapters.redis_nodes import Command, each_where_it_belongs
from consumers.adapters.redis_scripts import Scripts
from consumers.adapters.redis_trust import Trust, token_of, unchecked
from consumers.errors import UnavailableError
from consumers.ports.glances import Glance
from consumers.ports.sessions import Body
from consumers.session import place
from consumers.session.key import SessionKey
from consumers.session.shapes import checked
from consumers.session.stored import DamagedError, read_entry

_AT_ONCE: Final = 500
"""Runs in one round trip: so many outcomes are in memory at once, beside the caller's."""
_NO_GUARD: Final = "pointsman:{store}:guard"
"""Named where none is asked for: a script without a token does not look at it."""
_ASKED: Final = (place.OUTCOME, place.ERASED, place.CANCEL, "#entries")
"""The last is the journal's own count: it is there as soon as anything is."""

Run = tuple[SessionKey, str]


class RedisGlances:
    """The `Glances` port, on a client made with the same `trust`; None takes any store as it is, as tools do."""

    def __init__(self, redis: Client, trust: Trust | None = None) -> None:
        self._redis: Any = redis
        self._trust = trust
        # The guard of a cluster lives in a slot of its own; there, connections alone say which servers were checked.
        self._guard = None if trust is None or isinstance(redis, RedisCluster) else trust.guard
        # Keys of several slots are more than a script of a cluster may touch.
        self._script = None if isinstance(redis, RedisCluster) else Scripts.of(redis).glance

    async def look(self, runs: Sequence[Run]) -> Sequence[Glance]:
        """As the port says. The token is asked for last: what was read before was of the store that has it."""
        found: list[Glance] = []
        for first in range(0, len(runs), _AT_ONCE):
            found += await self._look(runs[first : first + _AT_ONCE])
        return found

    async def _look(self, runs: Sequence[Run]) -> list[Glance]:
        names = [key.journal(run_id) for key, run_id in runs]
        answers = await self._ask_at_once(names)
        open_ones = [name for name in names if _is_open(answers[name])]
        places = await self._ask({name: ("HGETALL", name) for name in open_ones}) if open_ones else {}
        return [_glance(answers[name], places.get(name, ())) for name in names]

    async def _ask_at_once(self, names: Sequence[str]) -> Mapping[str, Any]:
        """Ask for what tells how runs stand, in one script: of as many commands, each costs more than its answer."""
        commands: dict[str, Command] = {name: ("HMGET", name, *_ASKED) for name in names}
        if self._script is None:
            return await self._ask(commands)
        token = token_of(self._trust)
        keys = [*commands, self._guard or _NO_GUARD]
        async with busy_when_unreachable():
            try:
                said = await self._script(keys, [token, *_ASKED])
            except ResponseError:
                said = None
        if (
            said is None
        ):  # such as of a proxy in front of a cluster; asked one by one, each says what is wrong
            return await self._ask(commands)
        status, *found = said
        if status != b"OK":
            raise unchecked(self._trust)
        answers = dict(zip(commands, found[0], strict=True))
        damaged = [name for name, answer in answers.items() if isinstance(answer, Exception)]
        return {**answers, **{name: await self._alone(commands[name]) for name in damaged}}

    async def _ask(self, commands: Mapping[str, Command]) -> Mapping[str, Any]:
        """Return the answer to each command by its key; a `str` says what is wrong with that key."""
        token = token_of(self._trust)
        guarded = {} if self._guard is None else {self._guard: ("HGET", self._guard, "token")}
        asked: dict[str, Command] = {**commands, **guarded}
        async with busy_when_unreachable():
            answers = await each_where_it_belongs(self._redis, asked)
        for name, answer in answers.items():
            if isinstance(answer, Exception):
                answers[name] = await self._alone(asked[name])
        if self._guard is not None and answers[self._guard] != token.encode():
            raise unchecked(self._trust)
        return answers

    async def _alone(self, command: Command) -> Any:
        """Ask once more: its key may have moved to another node. That a key is of another type is told in words."""
        try:
            async with busy_when_unreachable():
                return await self._redis.execute_command(*command)
        except UnavailableError as error:
            if is_of_keys(error):
                return f"{command[1]}: {error.__cause__}"
            raise


def _is_open(answer: Any) -> bool:
    if isinstance(answer, str):
        return False
    outcome, erased, _, entries = answer
    return entries is not None and outcome is None and erased is None


def _glance(answer: Any, places: Any) -> Glance:
    for told in (answer, places):
        if isinstance(told, str):
            return Glance(begun=True, problem=told)
    outcome, erased, cancelled, entries = cast("Sequence[bytes | None]", answer)
    problem, body = None, None
    try:
        body = None if outcome is None else _outcome(outcome)
    except DamagedError as error:
        problem = str(error)
    return Glance(
        begun=any(each is not None for each in (outcome, erased, cancelled, entries)),
        outcome=body,
        erased=erased is not None,
        cancelled=cancelled is not None,
        waits=place.unanswered(each.decode(errors="replace") for each in places),
        problem=problem,
    )


def _outcome(stored: bytes) -> Body:
    """Raises DamagedError."""
    return checked({place.OUTCOME: read_entry(place.OUTCOME, stored)})[place.OUTCOME]
