"""Type-checking rules against schemas: what a rule says of members that do not exist, or compares with the wrong type.

The checker is that of cel-cpp. It never sees data: rules are evaluated by another, smaller engine (`consumers.policy.rules`),
see ops/decisions/0021.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cel_expr_python import cel
from pydantic import TypeAdapter

from connectors.lint import close_match
from consumers.policy.expressions import Expression
from consumers.policy.rules import Rule
from consumers.policy.vocabulary import TIMESTAMP, JsonSchema, Vocabulary
from consumers.session.past import PastRun

_STRING: Final[JsonSchema] = {"type": "string"}
_PAST: Final[JsonSchema] = TypeAdapter(PastRun).json_schema(mode="serialization")
_ERROR: Final = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_FIELD: Final = re.compile(r"undefined field '(\w+)' not found in struct '([\w.]+)'")
_OVERLOAD: Final = re.compile(r"found no matching overload for '(\S+)' applied to '\((.*)\)'")
_NAMED: Final = re.compile(r"""session\.(results|data|payloads)\[\s*(["'])([^"'\\]+)\2\s*\]""")
"""A result or payload that a rule takes by its name."""
_ASKED: Final = re.compile(r"""(["'])([^"'\\]+)\1\s+in\s+session\.(results|data|payloads)\b""")
"""The question whether there is one."""
_ZONE: Final = re.compile(r"""\.(get[A-Z]\w+)\(\s*[^\s)]""")
_IN_WORDS: Final = re.compile(r"\W")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the things that the rules of one route speak of. A schema that is None, or missing, is not known.

    Attributes:
        payload: of the route's event.
        arguments: of each action of the route.
        results: of each action of the route.
        remembered: results of all actions that may have been called in earlier runs of a session.
        payloads: of the types of event that a session may remember.
    """

    payload: JsonSchema | None
    arguments: Mapping[str, JsonSchema]
    results: Mapping[str, JsonSchema | None]
    remembered: Mapping[str, JsonSchema | None]
    payloads: Mapping[str, JsonSchema] = field(default_factory=dict[str, JsonSchema])


def type_mistakes(rule: Rule, effects: Mapping[str, str], known: Known) -> tuple[str, ...]:
    """Return what is wrong with a rule that could be compiled, in words; empty where its types agree.

    A rule in Python is not checked.

    Args:
        rule: the rule.
        effects: read or write, for each action of the route.
        known: the schemas.
    """
    if not isinstance(rule.when, Expression):
        return ()
    source = rule.when.source
    about = [name for name, effect in effects.items() if rule.applies_to(name, effect)]
    mistakes = tuple(_unknown_names(source, known))
    return mistakes or _Check(source, about, known).mistakes()


def expression_mistakes(source: str, known: Known, *, condition: bool) -> tuple[str, ...]:
    """Return what is wrong with an expression of a plan that could be compiled, in words.

    Args:
        source: the expression.
        known: the schemas.
        condition: whether it has to be true or false.
    """
    mistakes = tuple(_unknown_names(source, known))
    return mistakes or _Check(source, [], known).mistakes(condition=condition)


def _unknown_names(when: str, known: Known) -> Iterator[str]:
    """Find results that no action could have given."""
    found = {(kind, name) for kind, _, name in _NAMED.findall(when)}
    found |= {(kind, name) for _, name, kind in _ASKED.findall(when)}
    for kind, name in sorted(found):
        of = known.results if kind == "results" else known.remembered
        if kind != "payloads" and name not in of:
            whose = "of this route" if kind == "results" else "of any connector"
            yield f'session.{kind}["{name}"]: no action {whose} has that name.{close_match(name, of)}'
    if zone := _ZONE.search(when):
        yield f"{zone[1]}() takes no time zone here; times are in UTC"


class _Check:
    """One rule under the checker."""

    def __init__(self, when: str, about: list[str], known: Known) -> None:
        self._vocabulary = Vocabulary()
        self._known = known
        self._types: dict[str, str | None] = {
            "event": self._vocabulary.message("event", _event(known.payload)),
            "arguments": self._vocabulary.message(
                "arguments", _joined([known.arguments.get(a, {}) for a in about])
            ),
            "session": self._vocabulary.message("session", _SESSION),
            "action": self._vocabulary.message("action", _ACTION),
            "failures": None,
        }
        self._source = _NAMED.sub(self._named, when)

    def mistakes(self, *, condition: bool = True) -> tuple[str, ...]:
        environment = cel.NewEnv(
            descriptor_pool=self._vocabulary.pool(),
            variables={
                "now": cel.Type.TIMESTAMP,
                **{name: cel.Type(type_) if type_ else cel.Type.DYN for name, type_ in self._types.items()},
            },
        )
        try:
            gives = environment.compile(self._source).return_type()
        except RuntimeError as error:
            return tuple(self._in_words(*found) for found in _ERROR.findall(str(error))) or (str(error),)
        if condition and gives not in (cel.Type.BOOL, cel.Type.DYN):
            return (f"it gives {gives.name().lower()}, not true or false",)
        return ()

    def _named(self, match: re.Match[str]) -> str:
        """Replace a result that is taken by name with a variable of its type, as long as the text: places stay right."""
        variable = _IN_WORDS.sub("_", match[0])
        kind, name = match[1], match[3]
        of: Mapping[str, JsonSchema | None] = {
            "results": self._known.results,
            "data": self._known.remembered,
            "payloads": self._known.payloads,
        }[kind]
        if variable not in self._types:
            schema = of.get(name)
            label = f'session.{kind}["{name}"]'
            self._types[variable] = self._vocabulary.message(label, schema) if schema else None
        return variable

    def _in_words(self, line: str, column: str, problem: str) -> str:
        if match := _FIELD.search(problem):
            label, members = self._vocabulary.labels[match[2]], self._vocabulary.members[match[2]]
            said = f"{label} has no `{match[1]}`.{close_match(match[1], members)}"
        elif match := _OVERLOAD.search(problem):
            operator = match[1].strip("_@").replace("_", " ")
            said = f"`{operator}` cannot be applied to ({self._labelled(match[2])})"
        else:
            said = self._labelled(problem)
        at = int(column) if line == "1" else f"{line}:{column}"
        return f"{said} (at {at})"

    def _labelled(self, text: str) -> str:
        for name, label in sorted(self._vocabulary.labels.items(), reverse=True):
            text = re.sub(rf"{re.escape(name)}\b", label, text)
        return text


def _event(payload: JsonSchema | None) -> JsonSchema:
    names = ("id", "type", "source", "subject", "tenant")
    # One document, so that what the payload's schema refers to is found at its top.
    return {
        "properties": {**dict.fromkeys(names, _STRING), "time": TIMESTAMP, "payload": payload or {}},
        "$defs": (payload or {}).get("$defs", {}),
    }


def _joined(schemas: list[JsonSchema]) -> JsonSchema:
    """Return what several objects have together: what is not the same in all of them, member or definition, may be anything."""
    properties: dict[str, Any] = {}
    definitions: dict[str, Any] = {}
    if not all("properties" in schema for schema in schemas):
        return {}
    for schema in schemas:
        _join(properties, schema.get("properties", {}))
        _join(definitions, schema.get("$defs", {}))
    return {"properties": properties, "$defs": definitions}


def _join(together: dict[str, Any], more: JsonSchema) -> None:
    for name, inner in more.items():
        same = name not in together or _bare(together[name]) == _bare(inner)
        together[name] = inner if same else {}


def _bare(schema: JsonSchema) -> JsonSchema:
    """Return a schema without what says nothing of its type."""
    return {name: value for name, value in schema.items() if name not in {"title", "description", "default"}}


_ACTION: Final[JsonSchema] = {"properties": {"name": _STRING, "effect": _STRING}}
_SESSION: Final[JsonSchema] = {
    "properties": {
        **{name: {} for name in ("results", "data", "learnt_at", "payloads")},
        **{name: {"type": "array", "items": _PAST} for name in ("history", "waiting")},
    },
    "$defs": _PAST.get("$defs", {}),
}
