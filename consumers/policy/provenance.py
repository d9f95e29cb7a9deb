"""Where the values in an action come from, and what the model had read when it chose it. Pure.

Whatever the model was told by a text, it cannot make that text a source: a protected argument must be equal, as a value,
to something that did not come by way of the model. That is checked on values alone, with no trust in the model's words.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from connectors.action import Action
from consumers.policy.labels import ID, Label, Leaf, Scalar, leaves, may_be_anything
from consumers.policy.rules import Effect, Rule
from consumers.policy.vocabulary import JsonSchema

UNPROVEN: Final = "provenance"
"""Stands for a rule in verdicts: a protected argument comes from nowhere that is trusted."""
UNTRUSTED_TEXT: Final = "untrusted-text"
"""Stands for a rule in verdicts: the model had read text from outside, and this cannot be taken back."""
RESERVED: Final = frozenset({UNPROVEN, UNTRUSTED_TEXT})
"""Names that no rule of a route may have."""

_SHOWN: Final = 80
"""Characters of a value in a message."""
_ENVELOPE: Final[JsonSchema] = {
    "properties": {name: {"type": "string", "pattern": ID} for name in ("id", "source", "subject")}
}


@dataclass(frozen=True, slots=True)
class Trust:
    """What a route trusts.

    Attributes:
        payload: JSON Schema of the event's payload, with labels; empty where none is known.
        fields: members of the payload that the route says are trusted.
        values: constants of the configuration.
        arguments: JSON Schema of each action's arguments.
        results: JSON Schema of each action's result, with labels; missing where none is known.
        despite_text: writes that may follow untrusted text although they cannot be taken back.
    """

    payload: JsonSchema = field(default_factory=dict[str, Any])
    fields: frozenset[str] = frozenset()
    values: tuple[Scalar, ...] = ()
    arguments: Mapping[str, JsonSchema] = field(default_factory=dict[str, JsonSchema])
    results: Mapping[str, JsonSchema] = field(default_factory=dict[str, JsonSchema])
    despite_text: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PastCall:
    """What the run has done before.

    Attributes:
        action: full name.
        effect: read or write.
        arguments: what it was called with.
        result: what it returned, or None.
        error: what it said instead, or None.
        approved: whether a person saw and approved the arguments.
    """

    action: str
    effect: str
    arguments: Mapping[str, Any]
    result: Any
    error: str | None
    approved: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """All that values may come from, and all that the model was told.

    Attributes:
        envelope: `id`, `source`, `subject` of the event.
        payload: of the event, as a whole.
        shown: of the payload, the members that the model sees.
        calls: what the run has done, in its order.
        remembers: whether the model was told of earlier events.
        steered: whether the model chose, by what it was told; a plan is not steered by texts.
    """

    envelope: Mapping[str, str | None]
    payload: Mapping[str, Any]
    shown: frozenset[str]
    calls: Sequence[PastCall]
    remembers: bool
    steered: bool = True


@dataclass(frozen=True, slots=True)
class Concern:
    """Why a person has to look at a write first.

    Attributes:
        rule: `provenance` or `untrusted-text`.
        message: in words, with the origin.
    """

    rule: str
    message: str

    def as_rule(self) -> Rule:
        """Return it as a rule that holds, and that any approver may answer."""
        return Rule(self.rule, frozenset(), Effect.HOLD, self.message, _always)


def _always(_facts: Mapping[str, Any]) -> bool:
    return True


def concern(action: Action, arguments: Mapping[str, Any], seen: Seen, trust: Trust) -> Concern | None:
    """Return why this action may not be done without a person, or None. A read is only asked for its protected arguments."""
    if action.protected:
        sources = _Sources(seen, trust)
        for name in sorted(action.protected & arguments.keys()):
            for leaf in _naming(name, arguments[name], trust.arguments.get(action.name, {})):
                if not sources.prove(leaf.value):
                    return Concern(
                        UNPROVEN, f"{leaf.path} {_quoted(leaf.value)} {sources.origin(leaf.value)}"
                    )
    lasting = action.effect == "write" and (action.compensate is None or action.outward)
    if (
        lasting
        and seen.steered
        and action.name not in trust.despite_text
        and (text := _first_text(seen, trust))
    ):
        why = "reaches people outside" if action.outward else "cannot be undone"
        return Concern(
            UNTRUSTED_TEXT, f"{action.name} {why}, and the model had read {text}, which nobody vouches for"
        )
    return None


def origins(arguments: Mapping[str, Any], seen: Seen, trust: Trust) -> dict[str, str]:
    """Return for each argument, in words, where its values are found; for people who are asked to approve."""
    sources = _Sources(seen, trust)
    said: dict[str, str] = {}
    for name, value in arguments.items():
        found = dict.fromkeys(sources.words(leaf.value) for leaf in leaves(value, {}, name))
        said[name] = ", ".join(found) or "nothing in it"
    return said


class _Sources:
    """Every value that is known, by value: where it stands and how far it may be relied on."""

    def __init__(self, seen: Seen, trust: Trust) -> None:
        self._found: dict[tuple[type, Scalar], list[Leaf]] = {}
        for value in trust.values:
            self._add(Leaf("the configuration", value, Label.TRUSTED))
        for leaf in _of_event(seen, trust):
            self._add(leaf)
        for call in seen.calls:
            self._add_call(call, trust)

    def prove(self, value: Scalar) -> bool:
        """Whether a value is found in a place that is trusted or constrained."""
        return any(leaf.label is not Label.UNTRUSTED for leaf in self._of(value))

    def origin(self, value: Scalar) -> str:
        """Say why it is not proven."""
        found = self._of(value)
        if not found:
            return "is found nowhere: the model made it up"
        return f"is found only in {found[0].path}, which is not trusted"

    def words(self, value: Scalar) -> str:
        """Say where it is found, the best place first."""
        found = sorted(self._of(value), key=lambda leaf: leaf.label is Label.UNTRUSTED)
        if not found:
            return "made up by the model"
        return f"{found[0].path} (not trusted)" if found[0].label is Label.UNTRUSTED else found[0].path

    def _of(self, value: Scalar) -> list[Leaf]:
        return self._found.get(_identity(value), [])

    def _add(self, leaf: Leaf) -> None:
        self._found.setdefault(_identity(leaf.value), []).append(leaf)

    def _add_call(self, call: PastCall, trust: Trust) -> None:
        schema = trust.arguments.get(call.action, {})
        given = [leaf for name, value in call.arguments.items() for leaf in _naming(name, value, schema)]
        unproven = {_identity(leaf.value) for leaf in given if not self.prove(leaf.value)}
        if call.approved:
            for leaf in given:
                self._add(Leaf(f"the approved {leaf.path} of {call.action}", leaf.value, Label.TRUSTED))
            unproven = set()
        for leaf in leaves(call.result, trust.results.get(call.action, {}), f"the result of {call.action}"):
            # Whoever chooses what is looked up chooses what is found; of a write, what merely comes back is an echo.
            chosen = bool(unproven) if call.effect == "read" else _identity(leaf.value) in unproven
            self._add(Leaf(leaf.path, leaf.value, Label.UNTRUSTED) if chosen else leaf)


def _of_event(seen: Seen, trust: Trust) -> Iterator[Leaf]:
    yield from leaves(seen.envelope, _ENVELOPE, "event")
    for leaf in leaves(seen.payload, trust.payload, "event.payload"):
        trusted = leaf.path.removeprefix("event.payload.") in trust.fields
        yield Leaf(leaf.path, leaf.value, Label.TRUSTED) if trusted else leaf


def _first_text(seen: Seen, trust: Trust) -> str | None:
    """Return where the first text stands that the model was shown and nobody vouches for."""
    if seen.remembers:
        return "what the session remembers"
    for leaf in _of_event(seen, trust):
        member = leaf.path.removeprefix("event.payload.").partition(".")[0].partition("[")[0]
        told = not leaf.path.startswith("event.payload.") or member in seen.shown
        if told and _is_text(leaf):
            return leaf.path
    for call in seen.calls:
        if call.error:
            return f"the error of {call.action}"
        for leaf in leaves(call.result, trust.results.get(call.action, {}), f"the result of {call.action}"):
            if _is_text(leaf):
                return leaf.path
    return None


def _is_text(leaf: Leaf) -> bool:
    return leaf.label is Label.UNTRUSTED and isinstance(leaf.value, str) and leaf.value != ""


def _naming(name: str, value: Any, schema: JsonSchema) -> Iterable[Leaf]:
    """Return the scalars of an argument that could name something: not those that are one of a few."""
    member = schema.get("properties", {}).get(name, {})
    reference = str(member.get("$ref", "")).rpartition("/")[2]
    plain = schema.get("$defs", {}).get(reference, member)
    if not may_be_anything(plain):
        return ()
    found = leaves(value, {}, name)
    return (leaf for leaf in found if leaf.value is not None and not isinstance(leaf.value, bool))


def _identity(value: Scalar) -> tuple[type, Scalar]:
    """Tell `1` from `true`, and not from `1.0`: JSON has one kind of number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float, value
    return type(value), value


def _quoted(value: Scalar) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
