"""A search over actions: which of them fit what is to be done? Pure; built once, then in memory.

It ranks by BM25F: a term counts the more, the rarer it is among the actions, and by the field it stands in; each further
occurrence adds less, and so does each in a longer field. So a description that is stuffed with words gains little by each.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import count
from typing import Any, Final, cast

from connectors.action import Action
from connectors.words import COMMON, stem, trigrams, words


@dataclass(frozen=True, slots=True)
class Document:
    """What is searched of one action.

    Attributes:
        name: `<connector>.<verb>`, unique in a search.
        description: what it does.
        parameters: names of its parameters, nested ones as well.
        meanings: what is said of them.
        values: what they may be: the words of enums and of examples.
    """

    name: str
    description: str = ""
    parameters: str = ""
    meanings: str = ""
    values: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """One text that says what is to be done.

    Attributes:
        text: in words, or as JSON.
        weight: how much it counts beside others.
    """

    text: str
    weight: float = 1.0


_FIELDS: Final = tuple(field.name for field in fields(Document))
_WEIGHT: Final = {"name": 3.0, "description": 0.7, "parameters": 1.0, "meanings": 0.6, "values": 1.6}
"""Of a term, by the field it stands in."""
_LENGTH: Final = {"name": 0.2, "description": 0.7, "parameters": 0.5, "meanings": 0.5, "values": 0.5}
"""How far a field that is longer than the average is discounted, from 0 to 1."""
_SATURATION: Final = 1.2
"""Occurrences, weighted, at which a term has half its effect."""
_REPEATED: Final = 0.3
"""How much it counts that a wish says a term more than once."""
_ALIKE: Final = 0.5
"""From which share of common trigrams on an unknown word stands for a known one."""
_GUESSED: Final = 0.6
"""How much that counts beside a word that is known."""
_GUESSES: Final = 8
"""Unknown words that are looked into: the rest are names and ids, and each costs time."""
_ONE: Final = 1_000_000
"""What stands for 1: sums of whole numbers are the same on every machine and in any order."""
_NAMED: Final = 1_000 * _ONE * _ONE
"""Score of an action that is called by its full name."""
MAX_CHARS: Final = 4096
"""Characters of each wish that count: the time a search takes does not depend on who wrote the event."""


def document_of(action: Action) -> Document:
    """Return what is searched of an action."""
    said = schema_words(action.arguments.model_json_schema())
    examples = " ".join(_texts(action.examples))
    return Document(
        name=action.name,
        description=action.description,
        parameters=" ".join(said.names),
        meanings=" ".join((*said.meanings, *action.constraints)),
        values=" ".join((*said.values, examples)),
    )


@dataclass(frozen=True, slots=True)
class SchemaWords:
    """The words of a JSON Schema: property names, descriptions, and values of enums and constants."""

    names: tuple[str, ...]
    meanings: tuple[str, ...]
    values: tuple[str, ...]


def schema_words(schema: Mapping[str, Any]) -> SchemaWords:
    """Return the words of a JSON Schema, its definitions and nested schemas included, not its own description."""
    names: list[str] = []
    meanings: list[str] = []
    values: list[str] = []
    waiting: list[Any] = [{key: inner for key, inner in schema.items() if key != "description"}]
    while waiting:
        one: Any = waiting.pop()
        if isinstance(one, list):
            waiting += reversed(one)
            continue
        if not isinstance(one, Mapping):
            continue
        for key, inner in one.items():
            if key == "description":
                meanings.append(str(inner))
            elif key in {"enum", "const"}:
                values += map(str, inner if isinstance(inner, list) else [inner])
            elif key in {"properties", "$defs"} and isinstance(inner, Mapping):
                names += inner if key == "properties" else ()
                waiting += reversed(list(cast("Mapping[str, Any]", inner).values()))
            elif key in {"items", "anyOf", "oneOf", "allOf"}:
                waiting.append(inner)
    return SchemaWords(tuple(names), tuple(meanings), tuple(values))


class Search:
    """Ranks a fixed set of documents. The same documents in any order give the same answers."""

    def __init__(self, documents: Iterable[Document]) -> None:
        found = {document.name: document for document in documents}
        self._names = sorted(found)
        self._place = {name: at for at, name in enumerate(self._names)}
        self._postings = _postings([found[name] for name in self._names])
        self._alike: dict[str, list[str]] = defaultdict(list)
        for term in sorted(self._postings):
            if _is_guessable(term):
                for part in sorted(trigrams(term)):
                    self._alike[part].append(term)

    def rank(self, wishes: Sequence[Wish]) -> list[str]:
        """Return the names of all that have a word in common with the wishes, the best first, equals by name."""
        scores = [0] * len(self._names)
        for term, weight in self._weights(wishes).items():
            whole = round(weight * _ONE)
            for at, effect in self._postings[term]:
                scores[at] -= whole * effect
        for wish in wishes:
            for at in self._named(wish.text[:MAX_CHARS]):
                scores[at] -= _NAMED
        return [self._names[at] for score, at in sorted(zip(scores, count(), strict=False)) if score]

    def _weights(self, wishes: Sequence[Wish]) -> Mapping[str, float]:
        weights: dict[str, float] = {}
        guesses = _GUESSES
        for wish in wishes:
            for term, times in _asked(wish.text[:MAX_CHARS]).items():
                weight = wish.weight * (1 + _REPEATED * math.log(times))
                if term in self._postings:
                    weights[term] = weights.get(term, 0.0) + weight
                elif guesses and _is_guessable(term):
                    guesses -= 1
                    for other, likeness in self._like(term):
                        weights[other] = max(weights.get(other, 0.0), weight * _GUESSED * likeness)
        return weights

    def _like(self, term: str) -> list[tuple[str, float]]:
        """Return up to three known terms that are spelled alike, and how alike they are, from 0 to 1."""
        parts = trigrams(term)
        shared = Counter(other for part in parts for other in self._alike.get(part, ()))
        # A term has as many trigrams as letters, unless it repeats itself.
        alike = [(2 * common / (len(parts) + len(other)), other) for other, common in shared.items()]
        best = sorted((-likeness, other) for likeness, other in alike if likeness >= _ALIKE)[:3]
        return [(other, -likeness) for likeness, other in best]

    def _named(self, text: str) -> set[int]:
        if "." not in text and "__" not in text:
            return set()
        called = (word.strip(".,;:!?\"'`()[]{}").replace("__", ".") for word in text.split())
        return {self._place[name] for name in called if name in self._place}


def _asked(text: str) -> Mapping[str, int]:
    """Return the terms that a wish is searched by, and how often it says them; numbers tell no action from another."""
    said = [word for word in words(text) if not word.isdigit()]
    telling = [word for word in said if word not in COMMON and (len(word) > 1 or not word.isascii())]
    return Counter(map(stem, telling or said))


def _is_guessable(term: str) -> bool:
    return len(term) > 3 and term.isalpha()  # noqa: PLR2004 - shorter words are alike by chance


def _postings(documents: Sequence[Document]) -> Mapping[str, list[tuple[int, int]]]:
    """Return for each term the documents it is in, and how much it says for each."""
    said = [{name: _stands(name, getattr(document, name)) for name in _FIELDS} for document in documents]
    usual = {name: sum(one[name].total() for one in said) / len(said) or 1.0 for name in _FIELDS if said}
    occurrences: dict[str, dict[int, float]] = defaultdict(dict)
    for at, one in enumerate(said):
        for name, found in one.items():
            longer = 1 - _LENGTH[name] + _LENGTH[name] * found.total() / usual[name]
            for term, times in found.items():
                before = occurrences[term].get(at, 0.0)
                occurrences[term][at] = before + _WEIGHT[name] * times / longer
    return {
        term: [
            (at, round(_ONE * _rarity(len(said), len(places)) * weighed / (_SATURATION + weighed)))
            for at, weighed in places.items()
        ]
        for term, places in occurrences.items()
    }


def _stands(field: str, text: str) -> Counter[str]:
    """Return the terms of a field. Common words count in a name alone: it may be made of nothing else."""
    return Counter(stem(word) for word in words(text) if field == "name" or word not in COMMON)


def _rarity(every: int, having: int) -> float:
    return math.log(1 + (every - having + 0.5) / (having + 0.5))


def _texts(value: Any) -> Iterable[str]:
    """Yield the texts in a JSON-like value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
