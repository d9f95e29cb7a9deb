"""What is done to whom and when, drawn from a seed: the same numbers and the same seed give the same plan."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["kill", "freeze", "broker kill", "broker stop", "deploy"]

FIRST, LAST = 0.04, 0.8
"""Between these parts of the events; the rest is calm, so that all can end."""
SESSION_TIMEOUT_S = 6.0
"""Of the workers' membership. A frozen one stays frozen for longer, and finds its partitions with others."""
LONGEST_BURST = 4
MOST_OF_A_KEY = 450
"""Above 499 pieces a rule of the demo asks a person, and pieces count the orders of a key."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    events: int
    keys: int
    workers: int
    kills: int
    stops: int
    broker_restarts: int


@dataclass(frozen=True, slots=True)
class Strike:
    """One thing that is done.

    Attributes:
        at: once so many events have an outcome.
        kind: `kill` and `freeze` strike a worker, `deploy` replaces all of them in order, one after the other.
        slot: which worker; it is the next one where this one is frozen.
        for_s: how long a worker stays frozen, or the broker away.
        after_s: how long to wait before.
    """

    at: int
    kind: Kind
    slot: int = 0
    for_s: float = 0.0
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Order:
    """The event with this number: the `quantity`-th of its key, asking for as many pieces."""

    number: int
    key: int
    quantity: int


def strikes(size: Size, seed: int) -> list[Strike]:
    """Return what is done, in order.

    Every broker restart takes a worker with it, if there is one left to be killed: a `broker stop` before, so that the
    next worker starts without a broker, and a `broker kill` after, so that it loses the broker while it starts.
    """
    rng = random.Random(f"strikes {seed}")
    first = rng.randrange(2)
    drawn = [
        *(Strike(_at(rng, size), "kill", rng.randrange(size.workers)) for _ in range(size.kills)),
        *(
            Strike(_at(rng, size), "freeze", rng.randrange(size.workers), _longer_than_a_session(rng))
            for _ in range(size.stops)
        ),
        *(
            Strike(_at(rng, size), "broker stop" if number % 2 else "broker kill", for_s=rng.uniform(0.5, 4))
            for number in range(first, first + size.broker_restarts)
        ),
        Strike(size.events // 2, "deploy"),
    ]
    kills = (place for place, strike in enumerate(drawn) if strike.kind == "kill")
    for place, lost in enumerate(drawn):
        if lost.kind.startswith("broker") and (with_it := next(kills, None)) is not None:
            drawn[with_it] = replace(drawn[with_it], at=lost.at)
            if lost.kind == "broker kill":
                drawn[place] = replace(lost, after_s=rng.uniform(1, 6))
    return sorted(drawn, key=lambda strike: (strike.at, strike.after_s, not strike.kind.startswith("broker")))


def orders(size: Size, seed: int) -> list[Order]:
    """Return what is published, in order: keys by chance, some of them several times in a row.

    Raises:
        ValueError: more events than these keys can tell apart.
    """
    rng = random.Random(f"orders {seed}")
    made: list[Order] = []
    of_key = [0] * size.keys
    while len(made) < size.events:
        key = rng.randrange(size.keys)
        for _ in range(min(rng.randint(1, LONGEST_BURST), size.events - len(made))):
            of_key[key] += 1
            made.append(Order(len(made), key, of_key[key]))
    if max(of_key) > MOST_OF_A_KEY:
        raise ValueError(f"{size.events} events need more keys than {size.keys}")
    return made


def told(planned: Sequence[Strike]) -> list[str]:
    """Return the plan in words."""
    return [
        f"{strike.at}: "
        + (f"{strike.after_s:.1f} s later, " if strike.after_s else "")
        + strike.kind
        + (f" worker {strike.slot}" if strike.kind in {"kill", "freeze"} else "")
        + (f" for {strike.for_s:.1f} s" if strike.for_s else "")
        for strike in planned
    ]


def _at(rng: random.Random, size: Size) -> int:
    return int(rng.uniform(FIRST, LAST) * size.events)


def _longer_than_a_session(rng: random.Random) -> float:
    return SESSION_TIMEOUT_S + rng.uniform(2, 6)
