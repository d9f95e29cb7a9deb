"""Ways to make a sound answer bad."""

from collections.abc import Callable
from typing import Any, Final, cast

import orjson

from tests.answers.drafts import Draft

Change = Callable[[Draft], bool]
"""Makes a draft bad; False where this one cannot be bad in this way."""

WRITES: Final = frozenset({"erp__create_order", "erp__schedule_shipment", "crm__add_case_note"})
STOCK: Final = ("erp__check_stock", {"product_id": "P-100"})
REFUND: Final = {"order_id": "O-1", "amount": 40.0}
DONE: Final = {"status": "completed", "summary": "All is done."}
LONG: Final = "x" * 100_000
DEEP: Final = "[" * 200 + "]" * 200


def _decoded(call: dict[str, Any]) -> dict[str, Any]:
    return cast("dict[str, Any]", orjson.loads(call["arguments"]))


def said(edit: Callable[[str], str]) -> Change:
    """Change the text of the first call's arguments."""

    def change(draft: Draft) -> bool:
        draft.calls[0]["arguments"] = edit(draft.calls[0]["arguments"])
        return True

    return change


def argument(edit: Callable[[dict[str, Any]], Any]) -> Change:
    """Change the first call's arguments."""

    def change(draft: Draft) -> bool:
        arguments = _decoded(draft.calls[0])
        edit(arguments)
        draft.calls[0]["arguments"] = orjson.dumps(arguments).decode()
        return True

    return change


def valued(name: str, text: str) -> Change:
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


def named(name: Callable[[str], str]) -> Change:
    """Change the name of the first call."""

    def change(draft: Draft) -> bool:
        draft.calls[0]["name"] = name(draft.calls[0]["name"])
        return True

    return change


def dotted(draft: Draft) -> bool:
    name = draft.calls[0]["name"]
    draft.calls[0]["name"] = name.replace("__", ".")
    return "__" in name


def every_id(make: Callable[[int], Any]) -> Change:
    def change(draft: Draft) -> bool:
        for number, call in enumerate(draft.calls):
            call["id"] = make(number)
        return True

    return change


def with_field(name: str, value: Any) -> Change:
    def change(draft: Draft) -> bool:
        setattr(draft, name, value)
        return True

    return change


def alone(text: Any, finish_reason: str = "stop") -> Change:
    """Say a text and call nothing."""

    def change(draft: Draft) -> bool:
        draft.calls, draft.text, draft.finish_reason = [], text, finish_reason
        return True

    return change


def more(*calls: tuple[str, dict[str, Any]]) -> Change:
    """Call more beside what is called."""

    def change(draft: Draft) -> bool:
        draft.calls += [
            {"id": f"more_{number}", "name": name, "arguments": orjson.dumps(arguments).decode()}
            for number, (name, arguments) in enumerate(calls)
        ]
        return True

    return change


def instead(name: str, arguments: dict[str, Any]) -> Change:
    def change(draft: Draft) -> bool:
        draft.calls = []
        return more((name, arguments))(draft)

    return change


def twice(writes: bool) -> Change:
    def change(draft: Draft) -> bool:
        call = next((each for each in draft.calls if (each["name"] in WRITES) is writes), None)
        if call is None or call["name"] == "finish":
            return False
        draft.calls.append({**call, "id": "again"})
        return True

    return change


def another_type(draft: Draft) -> bool:
    draft.calls[0]["type"] = "custom"
    return True


def same_id(draft: Draft) -> bool:
    draft.calls.append({**draft.calls[0], "name": "erp__check_stock", "arguments": '{"product_id":"P-100"}'})
    return True


def finish_beside(draft: Draft) -> bool:
    finish = ("finish", {"status": "completed", "summary": "It is under way."})
    return draft.calls[0]["name"] != "finish" and more(finish)(draft)


def parsed(draft: Draft) -> bool:
    for call in draft.calls:
        call["arguments"] = _decoded(call)
    return True


def parsed_and_deep(draft: Draft) -> bool:
    deep: Any = "P-100"
    for _ in range(400):
        deep = [deep]
    draft.calls[0]["arguments"] = {"product_id": deep}
    return True


def chat_only(change: Change) -> Change:
    return lambda draft: draft.api == "chat" and change(draft)
