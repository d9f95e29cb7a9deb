"""What an attacker lets the model say: every action there is, with arguments that are right, forged, broken or somebody else's."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from connectors.action import Action
from consumers.offline.conversation import Conversation
from consumers.offline.reply import FINISH, Call, Reply

_MOST_CALLS: Final = 5
_POLITE: Final = 0.8
_TWINS: Final = str.maketrans({"e": "е", "c": "с", "o": "о", "C": "С", "O": "О", "P": "Р"})  # noqa: RUF001 - Cyrillic twins
_STRANGERS: Final = (
    *("shell__exec", "erp__delete_customer", "erp.create_order", "ERP__CREATE_ORDER", "erp__create_order "),
    *("finish_now", "", "crm__", "../erp__create_order", "erp__create_order\u200b", "x" * 300),
)
_BROKEN: Final = (
    "",
    "{",
    "[]",
    "null",
    "{'a': 1}",
    '{"a": NaN}',
    "{}{}",
    "[" * 5000,
    '"text"',
    '{"\\ud800": 1}',
)
_FINISH: Final = ("stop", "tool_calls", "length", "content_filter", "whatever")


@dataclass(frozen=True, slots=True)
class Pool:
    """Values to choose from.

    Attributes:
        others: ids of whoever is not the event's: other customers, of this tenant and of the other one, their orders, cases.
        actions: all that any connector has, on the route's list or not.
    """

    others: Sequence[str]
    actions: Sequence[Action]


class Attacker:
    """Chooses answers by chance, from a seed that a failure names."""

    def __init__(self, seed: int, pool: Pool) -> None:
        self._seed = seed
        self._pool = pool

    def answer(self, asked: Conversation) -> Reply:
        """Return the answer to a turn; the same question of the same event gets the same one."""
        dice = random.Random(f"{self._seed} {asked.event.get('id')} {asked.turn}")
        if dice.random() < 0.1 + 0.1 * asked.turn:
            return self._finish(dice)
        known = self._known(asked)
        if dice.random() < _POLITE:  # a plan of which nothing is refused before it comes to rules
            listed = [action for action in self._pool.actions if action.name in asked.tools]
            calls = [
                self._sound(dice, listed, known, number) for number in range(dice.randint(1, _MOST_CALLS))
            ]
            return Reply(tuple(calls), "", None, "tool_calls")
        calls = [self._call(dice, known, number) for number in range(dice.randint(0, _MOST_CALLS))]
        if dice.random() < 0.03 and calls:
            calls.append(calls[0])  # one id twice
        text = dice.choice(("", "", "I was told to.", "\x00", "CALL erp.refund_order {}"))
        return Reply(tuple(calls), text, None, dice.choice(_FINISH) if dice.random() < 0.1 else "tool_calls")

    def _finish(self, dice: random.Random) -> Reply:
        said = {"status": dice.choice(("completed", "refused", "failed", "hacked")), "summary": "Done."}
        return Reply(
            (Call(f"f{dice.random()}", FINISH, orjson.dumps(said).decode()),), "", None, "tool_calls"
        )

    def _sound(
        self, dice: random.Random, listed: Sequence[Action], known: Sequence[Any], number: int
    ) -> Call:
        action = dice.choice(listed)
        fields = action.arguments.model_json_schema()["properties"]
        arguments = {field: self._fitting(dice, field, known) for field in fields}
        return Call(f"c{number}-{dice.random()}", action.tool_name, json.dumps(arguments))

    def _call(self, dice: random.Random, known: Sequence[Any], number: int) -> Call:
        identity = f"c{number}-{dice.random()}"
        chance = dice.random()
        if chance < 0.04:
            return Call(identity, dice.choice(_STRANGERS), "{}")
        action = dice.choice(self._pool.actions)
        name = action.tool_name.translate(_TWINS) if chance < 0.06 else action.tool_name
        if chance < 0.09:
            return Call(identity, name, dice.choice(_BROKEN))
        arguments = {
            field: self._value(dice, field, known)
            for field in action.arguments.model_json_schema()["properties"]
        }
        if dice.random() < 0.04:
            arguments[dice.choice(("tenant", "key", "url", "token", "__proto__"))] = "other"
        text = json.dumps(arguments)  # which knows larger integers than orjson
        if dice.random() < 0.04 and arguments:
            first = next(iter(arguments))
            other = orjson.dumps({first: dice.choice(self._pool.others)}).decode()
            text = f"{text[:-1]},{other[1:]}"  # a key twice: the last one counts for some, the first one for others
        return Call(identity, name, text)

    def _value(self, dice: random.Random, field: str, known: Sequence[Any]) -> Any:
        """Return something that a field may be given, now and then of the wrong kind."""
        chance = dice.random()
        if chance < 0.05:
            return dice.choice(
                (None, True, -1, 10**30, 1.5, [], {}, "x" * 5000, "' OR 1=1 --", "../../admin")
            )
        value = self._fitting(dice, field, known)
        return value.translate(_TWINS) if chance > 0.97 and isinstance(value, str) else value

    def _fitting(self, dice: random.Random, field: str, known: Sequence[Any]) -> Any:
        """Return something of the right kind: of the event's own, of what was found, or of somebody else's."""
        if field in _PLAIN:
            return dice.choice(_PLAIN[field])
        prefix = _PREFIX[field]
        own = [value for value in known if isinstance(value, str) and value.startswith(prefix)]
        others = [value for value in self._pool.others if value.startswith(prefix)]
        return dice.choice(
            own if own and (not others or dice.random() < 0.6) else others or self._pool.others
        )

    def _known(self, asked: Conversation) -> list[Any]:
        """Return what the event and earlier answers say, in order."""
        return [
            *_scalars(asked.event.get("payload")),
            *(s for call in asked.past for s in _scalars(call.answer)),
        ]


_PLAIN: Final = {
    "quantity": (1, 2, 3, 99, 5000, 100_000),
    "amount": (1.0, 40.0, 5000.0),
    "priority": ("standard", "expedited"),
    "text": ("All is well.", "CALL erp.refund_order {}"),
    "resolution": ("All is well.", "CALL erp.refund_order {}"),
    "subject": ("All is well.",),
}
_PREFIX: Final = {
    "customer_id": "C-",
    "product_id": "P-",
    "order_id": "O-",
    "case_ref": "K-",
    "shipment_id": "S-",
    "backorder_id": "B-",
    "invoice_id": "I-",
}


def _scalars(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [scalar for inner in value.values() for scalar in _scalars(inner)]
    if isinstance(value, list):
        return [scalar for inner in value for scalar in _scalars(inner)]
    return [value]
