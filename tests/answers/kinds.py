"""The catalogue of bad answers whose HTTP is sound: each made from a sound answer, each with its stated treatment.

`bodies.py` and `faults.py` have those whose body is no answer, and those that are no response.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, cast

import orjson

from tests.answers.drafts import Draft


class Treatment(StrEnum):
    """What becomes of an answer."""

    REPAIR = "told to the model, nothing of it is done"
    USED = "used: what is odd about it cannot change what is done"
    RETRY = "asked again at once, then the event waits"


Change = Callable[[Draft], bool]
"""Makes a draft bad; False where this one cannot be bad in this way."""


@dataclass(frozen=True)
class Kind:
    """One way of being bad."""

    name: str
    change: Change
    treatment: Treatment


def _decoded(call: dict[str, Any]) -> dict[str, Any]:
    return cast("dict[str, Any]", orjson.loads(call["arguments"]))


def _said(edit: Callable[[str], str]) -> Change:
    """Change the text of the first call's arguments."""

    def change(draft: Draft) -> bool:
        draft.calls[0]["arguments"] = edit(draft.calls[0]["arguments"])
        return True

    return change


def _argument(edit: Callable[[dict[str, Any]], Any]) -> Change:
    """Change the first call's arguments."""

    def change(draft: Draft) -> bool:
        arguments = _decoded(draft.calls[0])
        edit(arguments)
        draft.calls[0]["arguments"] = orjson.dumps(arguments).decode()
        return True

    return change


def _valued(name: str, text: str) -> Change:
    """Put another JSON text in place of the value of one argument."""

    def change(draft: Draft) -> bool:
        for call in draft.calls:
            arguments = _decoded(call)
            if name in arguments:
                old = orjson.dumps({name: arguments.pop(name)}).decode()[1:-1]
                call["arguments"] = call["arguments"].replace(old, f'"{name}":{text}')
                return True
        return False

    return change


def _named(name: Callable[[str], str]) -> Change:
    """Change the name of the first call."""

    def change(draft: Draft) -> bool:
        draft.calls[0]["name"] = name(draft.calls[0]["name"])
        return True

    return change


def _dotted(draft: Draft) -> bool:
    name = draft.calls[0]["name"]
    draft.calls[0]["name"] = name.replace("__", ".")
    return "__" in name


def _every_id(make: Callable[[int], Any]) -> Change:
    def change(draft: Draft) -> bool:
        for number, call in enumerate(draft.calls):
            call["id"] = make(number)
        return True

    return change


def _field(name: str, value: Any) -> Change:
    def change(draft: Draft) -> bool:
        setattr(draft, name, value)
        return True

    return change


def _alone(text: Any, finish_reason: str = "stop") -> Change:
    """Say a text and call nothing."""

    def change(draft: Draft) -> bool:
        draft.calls, draft.text, draft.finish_reason = [], text, finish_reason
        return True

    return change


def _more(*calls: tuple[str, dict[str, Any]]) -> Change:
    """Call more beside what is called."""

    def change(draft: Draft) -> bool:
        draft.calls += [
            {"id": f"more_{number}", "name": name, "arguments": orjson.dumps(arguments).decode()}
            for number, (name, arguments) in enumerate(calls)
        ]
        return True

    return change


def _instead(name: str, arguments: dict[str, Any]) -> Change:
    def change(draft: Draft) -> bool:
        draft.calls = []
        return _more((name, arguments))(draft)

    return change


def _twice(writes: bool) -> Change:
    def change(draft: Draft) -> bool:
        call = next((each for each in draft.calls if (each["name"] in WRITES) is writes), None)
        if call is None or call["name"] == "finish":
            return False
        draft.calls.append({**call, "id": "again"})
        return True

    return change


def _another_type(draft: Draft) -> bool:
    draft.calls[0]["type"] = "custom"
    return True


def _same_id(draft: Draft) -> bool:
    draft.calls.append({**draft.calls[0], "name": "erp__check_stock", "arguments": '{"product_id":"P-100"}'})
    return True


def _finish_beside(draft: Draft) -> bool:
    finish = ("finish", {"status": "completed", "summary": "It is under way."})
    return draft.calls[0]["name"] != "finish" and _more(finish)(draft)


def _parsed(draft: Draft) -> bool:
    for call in draft.calls:
        call["arguments"] = _decoded(call)
    return True


def _parsed_and_deep(draft: Draft) -> bool:
    deep: Any = "P-100"
    for _ in range(400):
        deep = [deep]
    draft.calls[0]["arguments"] = {"product_id": deep}
    return True


def _chat_only(change: Change) -> Change:
    return lambda draft: draft.api == "chat" and change(draft)


WRITES: Final = frozenset({"erp__create_order", "erp__schedule_shipment", "crm__add_case_note"})
_STOCK: Final = ("erp__check_stock", {"product_id": "P-100"})
_REFUND: Final = {"order_id": "O-1", "amount": 40.0}
_DONE: Final = {"status": "completed", "summary": "All is done."}
_LONG: Final = "x" * 100_000
_DEEP: Final = "[" * 200 + "]" * 200

KINDS: Final = (
    Kind("arguments cut in half", _said(lambda text: text[: len(text) // 2]), Treatment.REPAIR),
    Kind("arguments without their end", _said(lambda text: text[:-1]), Treatment.REPAIR),
    Kind("arguments empty", _said(lambda _: ""), Treatment.REPAIR),
    Kind("arguments in prose", _said(lambda text: f"Sure, here they are: {text}"), Treatment.REPAIR),
    Kind("arguments in a code fence", _said(lambda text: f"```json\n{text}\n```"), Treatment.REPAIR),
    Kind("arguments in a list", _said(lambda text: f"[{text}]"), Treatment.REPAIR),
    Kind("arguments null", _said(lambda _: "null"), Treatment.REPAIR),
    Kind("arguments encoded twice", _said(lambda text: orjson.dumps(text).decode()), Treatment.REPAIR),
    Kind("arguments with a second object after them", _said(lambda text: f"{text} {text}"), Treatment.REPAIR),
    Kind("arguments with single quotes", _said(lambda text: text.replace('"', "'")), Treatment.REPAIR),
    Kind("arguments with a trailing comma", _said(lambda text: f"{text[:-1]},}}"), Treatment.REPAIR),
    Kind("arguments with a comment", _said(lambda text: f"{text[:-1]} /* sure */}}"), Treatment.REPAIR),
    Kind("arguments with a key twice", _said(lambda text: f"{text[:-1]},{text[1:]}"), Treatment.REPAIR),
    Kind(
        "arguments with half a character",
        _said(lambda text: f'{text[:-1]},"note":"\\ud800"}}'),
        Treatment.REPAIR,
    ),
    Kind(
        "arguments with a raw line break", _said(lambda text: text.replace('":"', '":"\n')), Treatment.REPAIR
    ),
    Kind("arguments far too long", _said(lambda text: text + " " * 100_000), Treatment.REPAIR),
    Kind("an extra argument", _argument(lambda found: found.update(tenant="other")), Treatment.REPAIR),
    Kind(
        "an extra argument with an endless name",
        _argument(lambda found: found.update({_LONG[:9000]: 1})),
        Treatment.REPAIR,
    ),
    Kind("a missing argument", _argument(lambda found: found.pop(next(iter(found)))), Treatment.REPAIR),
    Kind(
        "null for an argument",
        _argument(lambda found: found.update({next(iter(found)): None})),
        Treatment.REPAIR,
    ),
    Kind(
        "an object for an argument",
        _argument(lambda found: found.update({next(iter(found)): {"value": 1}})),
        Treatment.REPAIR,
    ),
    Kind(
        "a number for a text", _argument(lambda found: found.update({next(iter(found)): 7})), Treatment.REPAIR
    ),
    Kind("a number as text", _valued("quantity", '"2"'), Treatment.REPAIR),
    Kind("a number that is NaN", _valued("quantity", "NaN"), Treatment.REPAIR),
    Kind("a number that is infinite", _valued("quantity", "1e999"), Treatment.REPAIR),
    Kind("a fraction for an integer", _valued("quantity", "2.5"), Treatment.REPAIR),
    Kind("yes for an integer", _valued("quantity", "true"), Treatment.REPAIR),
    Kind("an integer beyond 64 bits", _valued("quantity", "1" + "0" * 30), Treatment.REPAIR),
    Kind("an integer out of its range", _valued("quantity", "0"), Treatment.REPAIR),
    Kind("an integer in hexadecimal", _valued("quantity", "0x2"), Treatment.REPAIR),
    Kind("a value that is none of the enum", _valued("priority", '"yesterday"'), Treatment.REPAIR),
    Kind("a value of the enum in capitals", _valued("priority", '"STANDARD"'), Treatment.REPAIR),
    Kind("a text longer than it may be", _valued("text", f'"{_LONG[:5000]}"'), Treatment.REPAIR),
    Kind("a text that may not be empty", _valued("text", '""'), Treatment.REPAIR),
    Kind("a deeply nested value", _valued("product_id", _DEEP), Treatment.REPAIR),
    Kind("an unknown action", _named(lambda _: "erp__give_everything_away"), Treatment.REPAIR),
    Kind("an action outside of the route", _instead("erp__refund_order", _REFUND), Treatment.REPAIR),
    Kind("an action's name in capitals", _named(str.upper), Treatment.REPAIR),
    Kind("an action's name with its dot", _dotted, Treatment.REPAIR),
    Kind("an action's name with spaces", _named(lambda name: f" {name} "), Treatment.REPAIR),
    Kind(
        "an action's name with control characters",
        _named(lambda name: f"{name}\x00\x1b[2J"),
        Treatment.REPAIR,
    ),
    Kind("an action's name with a path", _named(lambda name: f"functions.{name}"), Treatment.REPAIR),
    Kind("an action's name that is empty", _named(lambda _: ""), Treatment.REPAIR),
    Kind("an action's name far too long", _named(lambda name: name + _LONG), Treatment.REPAIR),
    Kind(
        "an action's name longer than the API takes",
        _named(lambda name: name + _LONG[:500]),
        Treatment.REPAIR,
    ),
    Kind("a call of another type", _another_type, Treatment.REPAIR),
    Kind("one id twice", _same_id, Treatment.REPAIR),
    Kind("one write twice", _twice(writes=True), Treatment.REPAIR),
    Kind("seventeen calls more", _more(*[_STOCK] * 17), Treatment.REPAIR),
    Kind("a hundred calls more", _more(*[_STOCK] * 100), Treatment.REPAIR),
    Kind(
        "two finishes", _more(("finish", _DONE), ("finish", {**_DONE, "status": "failed"})), Treatment.REPAIR
    ),
    Kind(
        "a finish with an unknown status", _instead("finish", {**_DONE, "status": "great"}), Treatment.REPAIR
    ),
    Kind("a finish without a summary", _instead("finish", {"status": "completed"}), Treatment.REPAIR),
    Kind("a finish with more than it takes", _instead("finish", {**_DONE, "refund": 1}), Treatment.REPAIR),
    Kind("a refusal", _field("refusal", "I cannot help with that."), Treatment.REPAIR),
    Kind("an answer that was filtered", _field("finish_reason", "content_filter"), Treatment.REPAIR),
    Kind("an answer that was cut off", _field("finish_reason", "length"), Treatment.REPAIR),
    Kind("an answer that the endpoint gave up", _field("finish_reason", "error"), Treatment.REPAIR),
    Kind("text alone that ended for an unknown reason", _alone("The order", "weird"), Treatment.REPAIR),
    Kind("nothing at all", _alone(None), Treatment.REPAIR),
    Kind("an empty text", _alone(""), Treatment.REPAIR),
    Kind("white space", _alone(" \n\t "), Treatment.REPAIR),
    Kind("control characters alone", _alone("\x00\x01\x7f"), Treatment.REPAIR),
    Kind("a text far too long", _alone(_LONG), Treatment.REPAIR),
    Kind("parsed arguments that are nested too deeply", _parsed_and_deep, Treatment.REPAIR),
    Kind("text alone", _alone("There is nothing to be done."), Treatment.USED),
    Kind("text beside the calls", _field("text", "Let me see."), Treatment.USED),
    Kind("text with control characters beside the calls", _field("text", "\x1b[2Jx\x00"), Treatment.USED),
    Kind("calls without ids", _every_id(lambda _: None), Treatment.USED),
    Kind("calls with empty ids", _every_id(lambda _: ""), Treatment.USED),
    Kind("ids that are numbers", _every_id(lambda number: number), Treatment.USED),
    Kind("ids far too long", _every_id(lambda number: f"{number}{_LONG[:9000]}"), Treatment.USED),
    Kind("ids with control characters", _every_id(lambda number: f"\n{number}\x00"), Treatment.USED),
    Kind("parsed arguments", _parsed, Treatment.USED),
    Kind("one read twice", _twice(writes=False), Treatment.USED),
    Kind("a finish beside the calls", _finish_beside, Treatment.USED),
    Kind(
        "calls that ended for an unknown reason", _chat_only(_field("finish_reason", "weird")), Treatment.USED
    ),
    Kind("a finish reason that is no text", _chat_only(_field("finish_reason", {"a": 1})), Treatment.USED),
    Kind("no finish reason", _chat_only(_field("finish_reason", None)), Treatment.USED),
    Kind("no usage", _field("usage", None), Treatment.USED),
    Kind("a usage that is a list", _field("usage", [1]), Treatment.USED),
    Kind("a negative usage", _field("usage", (-5, -5)), Treatment.USED),
    Kind("a usage of nothing", _field("usage", (0, 0)), Treatment.USED),
    Kind("an absurd usage", _field("usage", (10**15, 10**15)), Treatment.USED),
    Kind("a usage beyond 64 bits", _field("usage", (1e30, 1e30)), Treatment.USED),
    Kind("a usage in words", _field("usage", ("many", "few")), Treatment.USED),
    Kind("no name of the model", _field("model", None), Treatment.USED),
    Kind("a name of the model that is no text", _field("model", {"a": [1]}), Treatment.USED),
    Kind("an endless name of the model", _field("model", _LONG), Treatment.USED),
)
"""Each with what becomes of it."""
