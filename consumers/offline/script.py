"""A script: rules over the conversation so far, the first that matches gives the answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cel
import orjson

from consumers.offline.conversation import Conversation
from consumers.offline.expression import EvaluationError, Expression, facts_of, fill
from consumers.offline.reply import FINISH, Call, Reply, call_of, calling


@dataclass(frozen=True, slots=True)
class Planned:
    """One call a rule makes; the arguments may hold expressions."""

    action: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        name: unique in its script.
        event: the event type it is about, or None for any.
        when: its condition, or None for always.
        calls: what it calls; ending a run is a call of `finish`.
        say: text beside the calls or alone; may be an expression.
    """

    name: str
    event: str | None
    when: Expression | None
    calls: tuple[Planned, ...]
    say: Any

    def matches(self, event_type: Any, facts: cel.Context) -> bool:
        """Whether this rule answers.

        Raises:
            EvaluationError: its condition has no value.
        """
        if self.event is not None and self.event != event_type:
            return False
        return self.when is None or self.when.holds(facts)


@dataclass(frozen=True, slots=True)
class Script:
    """A checked script.

    Attributes:
        name: as the file has it.
        rules: in the order in which they are asked.
        variables: names that some expression uses; only these are computed.
        fingerprint: names the offline model and this version of the script.
    """

    name: str
    rules: tuple[Rule, ...]
    variables: frozenset[str]
    fingerprint: str


class _NotOfferedError(Exception):
    """A rule calls what the request does not offer."""


def answer(script: Script, conversation: Conversation) -> Reply:
    """Answer by the first rule that matches. Same script, same conversation, same reply.

    Whatever is wrong - no event, no matching rule, a condition without a value, a call that was not offered -
    ends the run as failed with a summary that names it: a script's mistake must be seen, not survived.
    """
    if not conversation.event:
        return _failed(conversation, "The offline model answers events only, and found none to answer.")
    event_type = conversation.event.get("type")
    rule = None
    try:
        facts = facts_of(conversation.facts(script.variables))
        for rule in script.rules:
            if rule.matches(event_type, facts):
                return _reply(rule, conversation, facts)
    except (EvaluationError, _NotOfferedError) as error:
        place = f", rule {rule.name!r}" if rule else ""
        return _failed(conversation, f"Script {script.name}{place}: {error}.")
    about = f"{event_type} in turn {conversation.turn}"
    return _failed(conversation, f"No rule of script {script.name} matched {about}.")


def _reply(rule: Rule, conversation: Conversation, facts: cel.Context) -> Reply:
    said = fill(rule.say, facts)
    text = "" if said is None else str(said)
    if not rule.calls:
        return Reply((), text, rule.name)
    calls = [_call(planned, index, conversation, facts) for index, planned in enumerate(rule.calls)]
    return calling(tuple(calls), text=text, rule=rule.name)


def _call(planned: Planned, index: int, conversation: Conversation, facts: cel.Context) -> Call:
    if planned.action not in conversation.tools:
        raise _NotOfferedError(f"calls {planned.action}, which was not offered")
    arguments = fill(planned.arguments, facts)
    try:
        return call_of(planned.action, arguments, _event_id(conversation), conversation.turn, index)
    except orjson.JSONEncodeError as error:
        raise EvaluationError(f"arguments of {planned.action} are not JSON: {error}") from error


def _failed(conversation: Conversation, summary: str) -> Reply:
    if FINISH not in conversation.tools:
        return Reply((), summary)
    arguments = {"status": "failed", "summary": summary}
    return calling((call_of(FINISH, arguments, _event_id(conversation), conversation.turn),))


def _event_id(conversation: Conversation) -> str:
    return str(conversation.event.get("id", ""))
