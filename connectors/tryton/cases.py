"""Cases: complaints of customers about sales, as Tryton's module `sale_complaint` has them.

A complaint is open until it is done, rejected or cancelled. What is added to it are Tryton's notes; the last line of each says
what it is and names the key it was written with, so that it is not written twice. A resolution is a note as well.
"""

import re
from dataclasses import dataclass
from typing import Any, Final, Literal

from connectors.errors import FailedError, InDoubtError
from connectors.sandbox.records import Case
from connectors.tryton.afterwards import after_a_change
from connectors.tryton.looking import find_party
from connectors.tryton.numbers import checked_code, id_of, missing, number_of
from connectors.tryton.once import make_once
from connectors.tryton.sales import find_sale
from connectors.tryton.system import Row, Tryton

MODEL: Final = "sale.complaint"
NOTE: Final = "ir.note"
NoteKind = Literal["note", "resolution"]
_LAST_LINE: Final = re.compile(r"\[(note|resolution) ([^\]\s]+)\]")
_MOST_STEPS: Final = 20
_RESOLVED: Final = frozenset(("done", "rejected", "cancelled"))
_BUTTONS: Final = {"draft": "wait", "waiting": "approve", "approved": "process"}
_FIELDS: Final = ("number", "state", "description", "customer.code", "origin", "_timestamp")


@dataclass(frozen=True, slots=True)
class Note:
    """A note of a complaint.

    Attributes:
        number: of the record.
        text: without the last line of ours.
        kind: `note` or `resolution`.
        key: it was written with; None where a person wrote it.
    """

    number: int
    text: str
    kind: NoteKind = "note"
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Complaint:
    """A complaint.

    Attributes:
        number: of the record.
        name: its number for people.
        state: as Tryton calls it.
        subject: what it is about.
        customer_id: code of the party.
        sale: number of the sale it is about, for people; None where it is about something else.
        notes: oldest first, the newest 200.
        seen: its `_timestamp`.
    """

    number: int
    name: str
    state: str
    subject: str
    customer_id: str
    sale: str | None
    notes: tuple[Note, ...]
    seen: str

    def note(self, key: str) -> Note | None:
        """Return the note that was written with a key."""
        return next((note for note in self.notes if note.key == key), None)


async def find_case(tryton: Tryton, case_ref: str) -> Complaint:
    """Return the complaint with a reference.

    Raises:
        FailedError: code `not_found`, or `not_usable` where its customer has a code that cases cannot tell.
    """
    found = await _read(tryton, [["number", "=", number_of("K", case_ref)]])
    if not found:
        raise missing("case", case_ref)
    checked_code("C", found[0].customer_id)
    return found[0]


def case_of(complaint: Complaint) -> Case:
    """Return a complaint as a case."""
    resolved = complaint.state in _RESOLVED
    resolutions = [note.text for note in complaint.notes if note.kind == "resolution"]
    return Case(
        case_ref=id_of("K", complaint.name),
        customer_id=complaint.customer_id,
        order_id=None if complaint.sale is None else id_of("O", complaint.sale),
        subject=complaint.subject,
        status="resolved" if resolved else "open",
        resolution=resolutions[-1] if resolved and resolutions else None,
        notes=[note.text for note in complaint.notes if note.kind == "note"],
    )


async def open_one(
    tryton: Tryton, customer_id: str, subject: str, order_id: str | None, key: str
) -> Complaint:
    """Return the complaint of a key: the one that is there, or a new one.

    Raises:
        FailedError: code `not_found`, `other_customer`, `not_set_up`.
    """

    async def find() -> list[int]:
        return [row["id"] for row in await tryton.read(MODEL, [["reference", "=", key]], ["number"])]

    async def values() -> Row:
        party = await find_party(tryton, customer_id)
        made: Row = {
            "company": (await tryton.premises()).company,
            "customer": party["id"],
            "type": await _type(tryton),
            "description": subject,
            "reference": key,
        }
        if order_id is not None:
            sale = await find_sale(tryton, "O", order_id)
            if sale.customer_id != customer_id:
                raise FailedError(f"{order_id} is not of {customer_id}.", code="other_customer")
            made["origin"] = f"sale.sale,{sale.number}"
        return made

    number = await make_once(tryton, MODEL, find=find, values=values)
    return await _again(tryton, number)


async def add_note(
    tryton: Tryton, complaint: Complaint, text: str, key: str, kind: NoteKind = "note"
) -> Complaint:
    """Write a note once, and return the complaint with it."""

    async def find() -> list[int]:
        return [note.number for note in await _notes(tryton, complaint.number) if note.key == key]

    async def values() -> Row:
        return {"resource": f"{MODEL},{complaint.number}", "message": f"{text}\n[{kind} {key}]"}

    await make_once(tryton, NOTE, find=find, values=values)
    return await _again(tryton, complaint.number)


async def resolve(tryton: Tryton, complaint: Complaint, resolution: str, key: str) -> Complaint:
    """Write the resolution and push the complaint to done; goes on where an earlier attempt stopped.

    Raises:
        FailedError: code `already_resolved`: by somebody else. `user_warning`, `user_error`: Tryton refuses; the complaint is
            a draft again and the resolution gone.
        InDoubtError: it is resolved in part, and goes no further for now.
    """
    if complaint.state in _RESOLVED and complaint.note(key) is None:
        name = id_of("K", complaint.name)
        raise FailedError(f"{name} is {complaint.state} already.", code="already_resolved")
    complaint = await add_note(tryton, complaint, resolution, key, "resolution")
    for _ in range(_MOST_STEPS):
        button = _BUTTONS.get(complaint.state)
        if button is None:
            return complaint
        try:
            await tryton.push(MODEL, button, complaint.number, seen=complaint.seen)
        except FailedError:
            now = await _again(tryton, complaint.number)
            if now.seen == complaint.seen:
                await _take_back(tryton, now, key)
                raise
        complaint = await _again(tryton, complaint.number)
    raise InDoubtError(f"{id_of('K', complaint.name)} is still {complaint.state}")


async def reopen(tryton: Tryton, complaint: Complaint) -> Complaint:
    """Make a resolved complaint a draft again; does nothing where it is open."""
    if complaint.state in _RESOLVED:
        await tryton.push(MODEL, "draft", complaint.number, seen=complaint.seen)
    return await _again(tryton, complaint.number)


async def _take_back(tryton: Tryton, complaint: Complaint, key: str) -> None:
    with after_a_change(id_of("K", complaint.name)):
        if complaint.state in {"waiting", "approved"}:
            await tryton.push(MODEL, "draft", complaint.number, seen=complaint.seen)
        if (note := complaint.note(key)) is not None:
            await tryton.delete(NOTE, note.number)


async def _type(tryton: Tryton) -> int:
    where: list[Any] = [["origin.name", "=", "sale.sale"]]
    if (name := tryton.settings.complaint_type) is not None:
        where.append(["name", "=", name])
    found = await tryton.read("sale.complaint.type", where, ["name"])
    if not found:
        raise FailedError("Tryton has no such type of complaints about sales.", code="not_set_up")
    return int(found[0]["id"])


async def _again(tryton: Tryton, number: int) -> Complaint:
    """Return a complaint that has been changed."""
    with after_a_change(f"complaint {number}"):
        found = await _read(tryton, [["id", "=", number]])
        if not found:
            raise missing("case", str(number))
        return found[0]


async def _read(tryton: Tryton, where: list[Any]) -> list[Complaint]:
    company = (await tryton.premises()).company
    rows = await tryton.read(MODEL, [*where, ["company", "=", company]], _FIELDS)
    return [
        _complaint(row, await _sale(tryton, row["origin"]), await _notes(tryton, row["id"]))
        for row in rows[:1]
    ]


async def _sale(tryton: Tryton, origin: str | None) -> str | None:
    model, _, number = (origin or "").partition(",")
    if model != "sale.sale":
        return None
    found = await tryton.read(model, [["id", "=", int(number)]], ["number"])
    return found[0]["number"] if found else None


async def _notes(tryton: Tryton, number: int) -> tuple[Note, ...]:
    rows = await tryton.read(NOTE, [["resource", "=", f"{MODEL},{number}"]], ["message"])
    return tuple(_note(row["id"], row["message"] or "") for row in rows)


def _note(number: int, message: str) -> Note:
    text, _, last = message.rpartition("\n")
    match _LAST_LINE.fullmatch(last):
        case None:
            return Note(number, message)
        case found:
            return Note(number, text, "resolution" if found[1] == "resolution" else "note", found[2])


def _complaint(row: Row, sale: str | None, notes: tuple[Note, ...]) -> Complaint:
    return Complaint(
        number=row["id"],
        name=row["number"],
        state=row["state"],
        subject=(row["description"] or "").strip(),
        customer_id=row["customer."]["code"] or "",
        sale=sale,
        notes=notes,
        seen=row["_timestamp"],
    )
