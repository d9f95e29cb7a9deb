"""The promises, each as a function of one play and of the same scenario played calm: it returns what is broken."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

import orjson
from facts import Instant, Played
from points import LOSSES


def struck(played: Played, _calm: Played) -> list[str]:
    """The premise: without it the others say nothing."""
    return [] if played.struck or played.point is None else ["the point was never reached"]


def struck_as_aimed(played: Played, calm: Played) -> list[str]:
    """When a write is struck, what was done before it is done, and it itself unless that was before."""
    point = played.point
    if point is None or played.then is None or not point.call.startswith("actions."):
        return []
    effects = played.play.scenario.effects
    done = [
        call
        for number, call in enumerate(calm.calls, start=1)
        if call.rpartition(".")[2] in effects
        and (number < point.number or (number == point.number and point.moment != "before"))
    ]
    found = [effect.action for effect in played.then.books.effects]
    return [] if len(found) == len(done) else [f"{found} had been done, not {done}"]


def ended(played: Played, _calm: Played) -> list[str]:
    wrong = [played.trouble] if played.trouble else []
    missing = len(played.play.scenario.published) - len(played.first_outcomes)
    return [*wrong, *([f"{missing} outcomes are missing"] if missing else [])]


def same_outcomes(played: Played, calm: Played) -> list[str]:
    if len(played.told) != len(calm.told):
        return []  # `ended` says so
    return [
        f"{one}, but calm {other}" for one, other in zip(played.told, calm.told, strict=True) if one != other
    ]


def copies_alike(played: Played, _calm: Played) -> list[str]:
    """Of outcomes and of requests to a person."""
    said = [(record, outcome.id) for record, outcome in played.outcomes]
    said += [(record, request.id) for record, request in played.requests]
    kinds: dict[str, set[object]] = {}
    for record, name in said:
        kinds.setdefault(name, set()).add((record.topic, record.key, record.value, record.headers))
    return [f"{name} in {len(found)} kinds" for name, found in kinds.items() if len(found) > 1]


def effects_once(played: Played, calm: Played) -> list[str]:
    """As many of each kind as calm, each under a key of its own, and all of them for this play's customer."""
    books = played.end.books
    counts, wanted = (
        Counter(e.action for e in books.effects),
        Counter(e.action for e in calm.end.books.effects),
    )
    wrong = [
        f"{counts[action]} times {action}, not {wanted[action]}"
        for action in counts.keys() | wanted.keys()
        if counts[action] != wanted[action]
    ]
    wrong += [f"no idempotency key: {e}" for e in books.effects if e.key.startswith("unkeyed")]
    if list(books.standing) != list(calm.end.books.standing) or books.refunded != calm.end.books.refunded:
        wrong.append(f"{books.standing} stands, but calm {calm.end.books.standing}")
    return wrong


def effects_in_order(played: Played, calm: Played) -> list[str]:
    order = [effect.action for effect in played.end.books.effects]
    wanted = [effect.action for effect in calm.end.books.effects]
    return [f"{order}, but calm {wanted}"] if order != wanted else []


def written_ahead(played: Played, _calm: Played) -> list[str]:
    """At any instant: no effect without an intent, no intent without a decision."""
    instants = [("when it was struck", played.then), ("at the end", played.end)]
    return [f"{when}: {wrong}" for when, at in instants if at is not None for wrong in _not_ahead(at)]


def nothing_changed(played: Played, _calm: Played) -> list[str]:
    """Whatever was in a journal stays, byte for byte, decisions above all; of a Redis that lost it, what was published."""
    then = played.then
    if then is None:
        return []
    lossy = played.point is not None and played.point.blow in LOSSES
    wrong: list[str] = []
    for run, entries in then.journals.items():
        for place, was in entries.items():
            now = played.end.journals[run].get(place)
            kept = not lossy or orjson.loads(was) in then.published.get(f"{run}/{place}", ())
            if kept and now != was:
                wrong.append(f"{run}/{place} was {was!r}, and is {now!r}")
    return wrong


def outcomes_as_written(played: Played, _calm: Played) -> list[str]:
    """An outcome that was published is the one of the journal."""
    wrong: list[str] = []
    for _, outcome in played.outcomes:
        stored = played.end.journals.get(outcome.run_id, {}).get("outcome")
        written = orjson.loads(stored) if stored else {}
        if (written.get("summary"), written.get("finished_at")) != (
            outcome.summary,
            outcome.finished_at.isoformat(),
        ):
            wrong.append(f"published {outcome}, but written {written}")
    return wrong


def undone(played: Played, _calm: Played) -> list[str]:
    """Where everything had to be undone, nothing stands, and the journal has a compensation for each write."""
    if played.play.scenario.status != "compensated":
        return []
    wrong = [f"{thing} still stands" for thing in played.end.books.standing if thing[1] != "cancelled"]
    for entries in played.end.journals.values():
        calls = [place.removesuffix("/intent") for place in entries if place.endswith("/intent")]
        for call in calls:
            result, back = (entries.get(f"{call}/{name}") for name in ("result", "undo.result"))
            done = result is not None and orjson.loads(result)["status"] == "done"
            if done and (back is None or orjson.loads(back)["status"] != "done"):
                wrong.append(f"{call} was done and is not undone: {back!r}")
    return wrong


def asked_once(played: Played, calm: Played) -> list[str]:
    """The model is asked again only for an answer that was lost before it was written down: one at most."""
    asked, lost, least = played.end.asked, played.answers_lost, calm.end.asked
    if lost > 1:
        return [f"{lost} answers were lost"]
    if played.point is None or played.point.blow == "worker":
        return [f"asked {asked} times, not {least + lost}"] if asked != least + lost else []
    # Here the worker lives on. Beside an answer that was lost, it may have one in hand that it can write nowhere; and
    # Redis may have lost decisions, of which those that were published are known.
    unknown = [d for d in played.then.decisions if d not in played.then.published] if played.then else []
    most = least + lost + 1 + len(unknown)
    return [f"asked {asked} times, not {least} to {most}"] if not least <= asked <= most else []


def committed(played: Played, _calm: Played) -> list[str]:
    return [f"{played.lag} input records are not committed"] if played.lag else []


def unstrayed(played: Played, _calm: Played) -> list[str]:
    return [f"{played.strays} dead letters or parked records"] if played.strays else []


def _not_ahead(at: Instant) -> list[str]:
    intents = at.keys_of_intents()
    wrong = [f"{e.action} was done without an intent" for e in at.books.effects if e.key not in intents]
    for run, entries in at.journals.items():
        turns = {place.partition("/")[0] for place in entries if place.endswith("intent")}
        wrong += [
            f"{run}/{turn} has an intent and no decision"
            for turn in turns
            if f"{turn}/decision" not in entries
        ]
    return wrong


Check = Callable[[Played, Played], list[str]]

CHECKS: Final[Mapping[str, Check]] = {
    "every point was reached": struck,
    "every write was struck at its moment": struck_as_aimed,
    "every run came to its end, and no worker ended by itself": ended,
    "outcomes are those of the calm play": same_outcomes,
    "copies of a message are the same bytes": copies_alike,
    "no effect happened twice, and none was lost": effects_once,
    "effects happened in the same order": effects_in_order,
    "a decision is written before its intents, an intent before its effect": written_ahead,
    "nothing that was written was changed": nothing_changed,
    "what was published is what was written": outcomes_as_written,
    "everything that had to be undone is undone": undone,
    "the model is asked again only for a lost answer": asked_once,
    "everything is committed": committed,
    "no dead letter, nothing parked": unstrayed,
}
"""The table."""


def broken(played: Played, calm: Played) -> dict[str, list[str]]:
    """Return what is broken, by promise."""
    found = {name: check(played, calm) for name, check in CHECKS.items()}
    return {name: wrong for name, wrong in found.items() if wrong}


def calm_mistakes(played: Played) -> list[str]:
    """Return what is wrong with a calm play: then nothing can be compared with it."""
    scenario = played.play.scenario
    wrong = [f"{name}: {one}" for name, several in broken(played, played).items() for one in several]
    for outcome, said in zip(played.first_outcomes, scenario.said, strict=False):  # `ended` counts them
        if outcome.status != scenario.status or not outcome.summary.endswith(said):
            wrong.append(f"{outcome.status}: {outcome.summary}, not {scenario.status}: … {said}")
    done = tuple(effect.action for effect in played.end.books.effects)
    return [*wrong, *([f"effects {done}, not {scenario.effects}"] if done != scenario.effects else [])]
