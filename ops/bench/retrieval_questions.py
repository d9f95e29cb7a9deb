"""The questions of `bench-retrieval` and the functions to find, from BFCL, pooled: as they are, and as events.

A question of BFCL comes with a few functions; here it is asked of all functions of its pool. What counts as found are the
functions that its answer key calls, by name. Of a name that is defined more than once the first definition is taken.
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from connectors.search import Document, Wish, schema_words
from consumers.router.finding import wishes_of

POOLS: Final[Mapping[str, tuple[str, ...]]] = {
    "multiple": ("multiple",),
    "live_multiple": ("live_multiple",),
    "all": ("simple_python", "multiple", "parallel_multiple", "live_simple", "live_multiple"),
}
"""Categories of BFCL."""
GOAL: Final = (
    "Work out what the customer needs and do it with the actions at hand. Do nothing that was not asked for."
)
"""Of every route that takes such events: it says nothing of any function."""
SEED: Final = 7


@dataclass(frozen=True, slots=True)
class Question:
    """One question: what is searched by, and what is to be found."""

    id: str
    wishes: tuple[Wish, ...]
    wanted: frozenset[str]
    first: str
    """The first function that the answer key calls."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Some categories together."""

    name: str
    documents: tuple[Document, ...]
    forms: Mapping[str, tuple[Question, ...]]
    """The questions, by form: `question`, `ticket`, `facts`."""


def pools_of(folder: Path) -> list[Pool]:
    """Return all pools, read from the data folder of BFCL."""
    return [_pool(folder, name, categories) for name, categories in POOLS.items()]


def tuning_half(pools: Sequence[Pool]) -> frozenset[str]:
    """Return the functions whose questions the search was tuned on: half of all, by seed. The rest is held out."""
    names = sorted({name for pool in pools for one in pool.forms["question"] for name in one.wanted})
    random.Random(SEED).shuffle(names)
    return frozenset(names[: len(names) // 2])


def _pool(folder: Path, name: str, categories: Sequence[str]) -> Pool:
    functions: dict[str, Document] = {}
    asked: list[Question] = []
    tickets: list[Question] = []
    facts: list[Question] = []
    for category in categories:
        answers = {
            entry["id"]: entry["ground_truth"] for entry in _lines(folder / "possible_answer", category)
        }
        for entry in _lines(folder, category):
            for function in entry["function"]:
                functions.setdefault(function["name"], _document(function))
            calls: list[Mapping[str, Any]] = answers[entry["id"]]
            wanted = frozenset(name for call in calls for name in call)
            said = [message for turn in entry["question"] for message in turn if message["role"] == "user"]
            text = " ".join(message["content"] for message in said)
            one = Question(entry["id"], (Wish(text),), wanted, min(wanted))
            asked.append(one)
            tickets.append(replace(one, wishes=wishes_of(GOAL, "ticket.opened", _ticket(entry["id"], text))))
            facts.append(replace(one, wishes=wishes_of(GOAL, "request.received", _facts(entry["id"], calls))))
    forms = {"question": tuple(asked), "ticket": tuple(tickets), "facts": tuple(facts)}
    return Pool(name, tuple(functions.values()), forms)


def _ticket(number: str, text: str) -> dict[str, Any]:
    """Return the payload of a ticket: the question among the fields that a service desk adds to every one."""
    return {
        "ticketId": f"T-{number}",
        "channel": "email",
        "priority": "normal",
        "language": "en",
        "customer": {"customerId": "C-1001", "segment": "business", "country": "DE"},
        "receivedBy": "service-desk-2",
        "attachments": [],
        "body": text,
    }


def _facts(number: str, calls: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the payload of a request with the question's facts alone: the values of its answer key, under their names.

    Kind where an event names its fields as an action does its parameters, and hard where nothing says what to do.
    """
    known: dict[str, Any] = {}
    for call in calls:
        for arguments in call.values():
            known |= {
                _camel(name): values[0] for name, values in arguments.items() if values and values[0] != ""
            }
    return {"requestId": f"R-{number}", "requestedBy": "C-1001", "channel": "api", "details": known}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _document(function: Mapping[str, Any]) -> Document:
    said = schema_words(function["parameters"])
    return Document(
        name=function["name"],
        description=function["description"],
        parameters=" ".join(said.names),
        meanings=" ".join(said.meanings),
        values=" ".join(said.values),
    )


def _lines(folder: Path, category: str) -> Iterator[Mapping[str, Any]]:
    with (folder / f"BFCL_v4_{category}.json").open(encoding="utf-8") as file:
        yield from map(json.loads, file)
