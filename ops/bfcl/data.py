"""The leaderboard's files: functions in its Python flavour of JSON Schema, and the calls that it holds to be right."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

WITH_ANSWERS: Final = (
    "simple_python",
    "multiple",
    "parallel",
    "parallel_multiple",
    "live_simple",
    "live_multiple",
    "live_parallel",
    "live_parallel_multiple",
)
WITHOUT_ANSWERS: Final = ("irrelevance", "live_irrelevance", "live_relevance")
_TYPES: Final = {"dict": "object", "float": "number", "tuple": "array"}
_OPTIONAL: Final = ""
"""Among the allowed values of a parameter: it may be left out."""


@dataclass(frozen=True, slots=True)
class Case:
    """One question.

    Attributes:
        id: as the leaderboard names it.
        functions: descriptions, by name.
        answers: function and arguments with the values that are allowed for each, in the leaderboard's form.
    """

    id: str
    functions: Mapping[str, Mapping[str, Any]]
    answers: tuple[tuple[str, Mapping[str, Any]], ...]


def read(folder: Path, category: str) -> list[Case]:
    """Return the questions of a category."""
    name = f"BFCL_v4_{category}.json"
    answers = folder / "possible_answer" / name
    known = {line["id"]: line["ground_truth"] for line in _lines(answers)} if answers.exists() else {}
    return [
        Case(
            line["id"],
            {each["name"]: each for each in line["function"]},
            tuple(pair for truth in known.get(line["id"], ()) for pair in truth.items()),
        )
        for line in _lines(folder / name)
    ]


def normalised(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a description of parameters as JSON Schema: Python's names of types are replaced.

    An enum beside a list is meant for its items; nothing else is repaired.
    """
    said = dict(schema)
    kind = said.get("type")
    if kind == "any":
        del said["type"]
    elif kind in _TYPES:
        said["type"] = _TYPES[kind]
    if "properties" in said:
        said["properties"] = {name: normalised(inner) for name, inner in said["properties"].items()}
    for keyword in ("items", "additionalProperties"):
        if isinstance(said.get(keyword), dict):
            said[keyword] = normalised(said[keyword])
    if said.get("type") == "array" and "enum" in said and isinstance(said.get("items"), dict):
        said["items"] = {**said["items"], "enum": said.pop("enum")}
    return said


def true_calls(allowed: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield calls that are right: each allowed value of each parameter is in one of them, and what may be left out is, once."""
    # Some allowed values stand alone where a list of them belongs.
    allowed = {name: several if isinstance(several, list) else [several] for name, several in allowed.items()}
    values = {
        name: [value for each in several for value in _spelled(each)] for name, several in allowed.items()
    }
    fullest = {name: several[0] for name, several in values.items() if several}
    yield fullest
    for name, several in values.items():
        for other in several[1:]:
            yield {**fullest, name: other}
    barest = {name: fullest[name] for name in fullest if _OPTIONAL not in allowed[name]}
    if barest != fullest:
        yield barest


def sent_strictly(tool_schema: Mapping[str, Any], value: Any) -> Any:
    """Return a right value as an endpoint that decodes by the strict schema sends it: with every property, null where it is not said."""
    for branch in tool_schema.get("anyOf", ()):
        if branch.get("type") == ("array" if isinstance(value, list) else "object"):
            return sent_strictly(branch, value)
    if isinstance(value, dict):
        if "properties" not in tool_schema:
            return json.dumps(value, ensure_ascii=False)
        inner = tool_schema["properties"]
        return {name: sent_strictly(inner[name], value[name]) if name in value else None for name in inner}
    if isinstance(value, list) and "items" in tool_schema:
        return [sent_strictly(tool_schema["items"], each) for each in value]
    return value


def _spelled(allowed: Any) -> list[Any]:
    """Return the values that an allowed one stands for: inside an object each member has a list of its own."""
    if allowed == _OPTIONAL:
        return []
    if isinstance(allowed, dict):
        return list(true_calls(allowed))
    if isinstance(allowed, list) and allowed and all(isinstance(each, dict) for each in allowed):
        spelled = [list(true_calls(each)) for each in allowed]
        # One list a spelling: the longest of them says how many there are.
        most = max(map(len, spelled))
        return [[several[min(at, len(several) - 1)] for several in spelled] for at in range(most)]
    return [allowed]


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
