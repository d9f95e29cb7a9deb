"""Who agreed to what: read from the journal of a run. Pure.

A yes is a fact about a person and about arguments. A rule that holds is satisfied by enough people who may answer for it
and who agreed to exactly the arguments that the action would be performed with, whichever question they answered. So an
edit takes nobody's yes along to arguments that this person has not seen.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from consumers.policy.approvers import Approver, has_role, person
from consumers.policy.rules import Rule
from consumers.ports.sessions import Body
from consumers.run.journal import CallState
from consumers.session import place

YES: Final = frozenset({"approve", "edit"})
"""The answers that agree."""


@dataclass(frozen=True, slots=True)
class Consent:
    """One person's yes.

    Attributes:
        by: who, with the roles that this person had then.
        arguments: to what.
    """

    by: Approver
    arguments: Mapping[str, Any]


def consents(entries: Mapping[str, Body], question: str) -> Iterator[Consent]:
    """Yield every yes to one question, that of a person who answered twice as often."""
    hold = entries.get(place.hold(question))
    if hold is None:
        return
    for at, body in entries.items():
        one_of_several = at.startswith(f"{question}/by-")
        if (one_of_several or at == place.approval(question)) and body["answer"] in YES:
            by = Approver(body["approver"], frozenset(body.get("roles", ())), body.get("key"))
            yield Consent(by, body.get("arguments") or hold["arguments"])


def people(given: Iterator[Consent], arguments: Mapping[str, Any], roles: Collection[str] = ()) -> set[str]:
    """Return who agreed to exactly these arguments and has one of these roles."""
    return {person(c.by.name) for c in given if c.arguments == arguments and has_role(c.by, roles)}


def unsatisfied(entries: Mapping[str, Body], call: CallState, holds: Sequence[Rule]) -> Rule | None:
    """Return the first rule for which not enough people have agreed to what the call would do now, or None."""
    questions = [call.place.question(number) for number in range(1, call.holds + 1)]
    for rule in holds:
        given = (consent for question in questions for consent in consents(entries, question))
        if len(people(given, call.arguments, rule.may_answer)) < rule.quorum:
            return rule
    return None
