"""The catalogue of bad answers whose HTTP is sound: each made from a sound answer, each with its stated treatment.

`bodies.py` and `faults.py` have those whose body is no answer, and those that are no response.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import orjson

from tests.answers.changes import (
    DEEP,
    DONE,
    LONG,
    REFUND,
    STOCK,
    Change,
    alone,
    another_type,
    argument,
    chat_only,
    dotted,
    every_id,
    finish_beside,
    instead,
    more,
    named,
    parsed,
    parsed_and_deep,
    said,
    same_id,
    twice,
    valued,
    with_field,
)


class Treatment(StrEnum):
    """What becomes of an answer."""

    REPAIR = "told to the model, nothing of it is done"
    USED = "used: what is odd about it cannot change what is done"
    RETRY = "asked again at once, then the event waits"


@dataclass(frozen=True)
class Kind:
    """One way of being bad."""

    name: str
    change: Change
    treatment: Treatment


KINDS: Final = (
    Kind("arguments cut in half", said(lambda text: text[: len(text) // 2]), Treatment.REPAIR),
    Kind("arguments without their end", said(lambda text: text[:-1]), Treatment.REPAIR),
    Kind("arguments empty", said(lambda _: ""), Treatment.REPAIR),
    Kind("arguments in prose", said(lambda text: f"Sure, here they are: {text}"), Treatment.REPAIR),
    Kind("arguments in a code fence", said(lambda text: f"```json\n{text}\n```"), Treatment.REPAIR),
    Kind("arguments in a list", said(lambda text: f"[{text}]"), Treatment.REPAIR),
    Kind("arguments null", said(lambda _: "null"), Treatment.REPAIR),
    Kind("arguments encoded twice", said(lambda text: orjson.dumps(text).decode()), Treatment.REPAIR),
    Kind("arguments with a second object after them", said(lambda text: f"{text} {text}"), Treatment.REPAIR),
    Kind("arguments with single quotes", said(lambda text: text.replace('"', "'")), Treatment.REPAIR),
    Kind("arguments with a trailing comma", said(lambda text: f"{text[:-1]},}}"), Treatment.REPAIR),
    Kind("arguments with a comment", said(lambda text: f"{text[:-1]} /* sure */}}"), Treatment.REPAIR),
    Kind("arguments with a key twice", said(lambda text: f"{text[:-1]},{text[1:]}"), Treatment.REPAIR),
    Kind(
        "arguments with half a character",
        said(lambda text: f'{text[:-1]},"note":"\\ud800"}}'),
        Treatment.REPAIR,
    ),
    Kind(
        "arguments with a raw line break", said(lambda text: text.replace('":"', '":"\n')), Treatment.REPAIR
    ),
    Kind("arguments far too long", said(lambda text: text + " " * 100_000), Treatment.REPAIR),
    Kind("an extra argument", argument(lambda found: found.update(tenant="other")), Treatment.REPAIR),
    Kind(
        "an extra argument with an endless name",
        argument(lambda found: found.update({LONG[:9000]: 1})),
        Treatment.REPAIR,
    ),
    Kind("a missing argument", argument(lambda found: found.pop(next(iter(found)))), Treatment.REPAIR),
    Kind(
        "null for an argument",
        argument(lambda found: found.update({next(iter(found)): None})),
        Treatment.REPAIR,
    ),
    Kind(
        "an object for an argument",
        argument(lambda found: found.update({next(iter(found)): {"value": 1}})),
        Treatment.REPAIR,
    ),
    Kind(
        "a number for a text", argument(lambda found: found.update({next(iter(found)): 7})), Treatment.REPAIR
    ),
    Kind("a number as text", valued("quantity", '"2"'), Treatment.REPAIR),
    Kind("a number that is NaN", valued("quantity", "NaN"), Treatment.REPAIR),
    Kind("a number that is infinite", valued("quantity", "1e999"), Treatment.REPAIR),
    Kind("a fraction for an integer", valued("quantity", "2.5"), Treatment.REPAIR),
    Kind("yes for an integer", valued("quantity", "true"), Treatment.REPAIR),
    Kind("an integer beyond 64 bits", valued("quantity", "1" + "0" * 30), Treatment.REPAIR),
    Kind("an integer out of its range", valued("quantity", "0"), Treatment.REPAIR),
    Kind("an integer in hexadecimal", valued("quantity", "0x2"), Treatment.REPAIR),
    Kind("a value that is none of the enum", valued("priority", '"yesterday"'), Treatment.REPAIR),
    Kind("a value of the enum in capitals", valued("priority", '"STANDARD"'), Treatment.REPAIR),
    Kind("a text longer than it may be", valued("text", f'"{LONG[:5000]}"'), Treatment.REPAIR),
    Kind("a text that may not be empty", valued("text", '""'), Treatment.REPAIR),
    Kind("a deeply nested value", valued("product_id", DEEP), Treatment.REPAIR),
    Kind("an unknown action", named(lambda _: "erp__give_everything_away"), Treatment.REPAIR),
    Kind("an action outside of the route", instead("erp__refund_order", REFUND), Treatment.REPAIR),
    Kind("an action's name in capitals", named(str.upper), Treatment.REPAIR),
    Kind("an action's name with its dot", dotted, Treatment.REPAIR),
    Kind("an action's name with spaces", named(lambda name: f" {name} "), Treatment.REPAIR),
    Kind(
        "an action's name with control characters",
        named(lambda name: f"{name}\x00\x1b[2J"),
        Treatment.REPAIR,
    ),
    Kind("an action's name with a path", named(lambda name: f"functions.{name}"), Treatment.REPAIR),
    Kind("an action's name that is empty", named(lambda _: ""), Treatment.REPAIR),
    Kind("an action's name far too long", named(lambda name: name + LONG), Treatment.REPAIR),
    Kind(
        "an action's name longer than the API takes",
        named(lambda name: name + LONG[:500]),
        Treatment.REPAIR,
    ),
    Kind("a call of another type", another_type, Treatment.REPAIR),
    Kind("one id twice", same_id, Treatment.REPAIR),
    Kind("one write twice", twice(writes=True), Treatment.REPAIR),
    Kind("seventeen calls more", more(*[STOCK] * 17), Treatment.REPAIR),
    Kind("a hundred calls more", more(*[STOCK] * 100), Treatment.REPAIR),
    Kind("two finishes", more(("finish", DONE), ("finish", {**DONE, "status": "failed"})), Treatment.REPAIR),
    Kind("a finish with an unknown status", instead("finish", {**DONE, "status": "great"}), Treatment.REPAIR),
    Kind("a finish without a summary", instead("finish", {"status": "completed"}), Treatment.REPAIR),
    Kind("a finish with more than it takes", instead("finish", {**DONE, "refund": 1}), Treatment.REPAIR),
    Kind("a refusal", with_field("refusal", "I cannot help with that."), Treatment.REPAIR),
    Kind("an answer that was filtered", with_field("finish_reason", "content_filter"), Treatment.REPAIR),
    Kind("an answer that was cut off", with_field("finish_reason", "length"), Treatment.REPAIR),
    Kind("an answer that the endpoint gave up", with_field("finish_reason", "error"), Treatment.REPAIR),
    Kind("text alone that ended for an unknown reason", alone("The order", "weird"), Treatment.REPAIR),
    Kind("nothing at all", alone(None), Treatment.REPAIR),
    Kind("an empty text", alone(""), Treatment.REPAIR),
    Kind("white space", alone(" \n\t "), Treatment.REPAIR),
    Kind("control characters alone", alone("\x00\x01\x7f"), Treatment.REPAIR),
    Kind("a text far too long", alone(LONG), Treatment.REPAIR),
    Kind("parsed arguments that are nested too deeply", parsed_and_deep, Treatment.REPAIR),
    Kind("text alone", alone("There is nothing to be done."), Treatment.USED),
    Kind("text beside the calls", with_field("text", "Let me see."), Treatment.USED),
    Kind("text with control characters beside the calls", with_field("text", "\x1b[2Jx\x00"), Treatment.USED),
    Kind("calls without ids", every_id(lambda _: None), Treatment.USED),
    Kind("calls with empty ids", every_id(lambda _: ""), Treatment.USED),
    Kind("ids that are numbers", every_id(lambda number: number), Treatment.USED),
    Kind("ids far too long", every_id(lambda number: f"{number}{LONG[:9000]}"), Treatment.USED),
    Kind("ids with control characters", every_id(lambda number: f"\n{number}\x00"), Treatment.USED),
    Kind("parsed arguments", parsed, Treatment.USED),
    Kind("one read twice", twice(writes=False), Treatment.USED),
    Kind("a finish beside the calls", finish_beside, Treatment.USED),
    Kind(
        "calls that ended for an unknown reason",
        chat_only(with_field("finish_reason", "weird")),
        Treatment.USED,
    ),
    Kind("a finish reason that is no text", chat_only(with_field("finish_reason", {"a": 1})), Treatment.USED),
    Kind("no finish reason", chat_only(with_field("finish_reason", None)), Treatment.USED),
    Kind("no usage", with_field("usage", None), Treatment.USED),
    Kind("a usage that is a list", with_field("usage", [1]), Treatment.USED),
    Kind("a negative usage", with_field("usage", (-5, -5)), Treatment.USED),
    Kind("a usage of nothing", with_field("usage", (0, 0)), Treatment.USED),
    Kind("an absurd usage", with_field("usage", (10**15, 10**15)), Treatment.USED),
    Kind("a usage beyond 64 bits", with_field("usage", (1e30, 1e30)), Treatment.USED),
    Kind("a usage in words", with_field("usage", ("many", "few")), Treatment.USED),
    Kind("no name of the model", with_field("model", None), Treatment.USED),
    Kind("a name of the model that is no text", with_field("model", {"a": [1]}), Treatment.USED),
    Kind("an endless name of the model", with_field("model", LONG), Treatment.USED),
)
"""Each with what becomes of it."""
