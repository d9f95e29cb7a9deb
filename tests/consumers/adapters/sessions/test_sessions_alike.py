"""The shipped fake against real Redis, with random questions: whatever one answers, the other does too."""

import random
from dataclasses import dataclass, replace
from typing import Any

import pytest
from redis.asyncio import Redis

from consumers.errors import PointsmanError
from consumers.ports.sessions import Entry, Lease, Opened, Sessions
from tests.consumers.adapters.sessions.session_stores import CONTEXT, KEY, Store, in_memory, in_redis


@pytest.mark.parametrize("seed", range(20))
async def test_the_fake_and_redis_answer_alike_whatever_is_asked(seed: int, redis: Redis) -> None:
    dice = random.Random(seed)
    fake, real = in_memory(), in_redis(redis)
    leases: list[tuple[Lease, Lease]] = []  # in pairs, for they differ in the epoch
    for _ in range(80):
        question = random_question(dice)
        held = dice.choice(leases[-3:]) if leases else (None, None)
        ours, theirs = await ask(fake, question, held[0]), await ask(real, question, held[1])
        if isinstance(ours, Opened) and isinstance(theirs, Opened):
            leases.append((ours.lease, theirs.lease))
            ours = replace(ours, lease=theirs.lease)
        assert ours == theirs, question


@dataclass(frozen=True)
class Question:
    verb: str
    run_id: str
    entries: list[Entry]


def random_question(dice: random.Random) -> Question:
    verbs = ["open", "append", "close", "release", "read", "lapse", "wipe"]
    verb = dice.choices(verbs, weights=[6, 9, 3, 3, 2, 2, 1])[0]
    entries = [Entry(f"p{dice.randrange(4)}", {"n": dice.randrange(2)}) for _ in range(dice.randrange(4))]
    if dice.random() < 0.1:
        entries.append(Entry("big", {"text": "x" * dice.randrange(500)}))
    return Question(verb, f"run-{dice.randrange(3)}", entries)


async def ask(store: Store, question: Question, lease: Lease | None) -> Any:
    try:
        match question.verb:
            case "open":
                return await store.sessions.open(KEY, question.run_id)
            case "read":
                return await store.sessions.read(KEY, question.run_id)
            case "lapse":
                await store.lapse(KEY)
            case "wipe":
                await store.wipe()
            case _ if lease:
                return await ask_holder(store.sessions, question, lease)
            case _:
                pass
    except PointsmanError as error:
        return type(error)


async def ask_holder(sessions: Sessions, question: Question, lease: Lease) -> Any:
    match question.verb:
        case "append":
            return list(await sessions.append(lease, question.entries))
        case "close":
            return list(await sessions.close(lease, question.entries, CONTEXT))
        case _:
            return await sessions.release(lease)
