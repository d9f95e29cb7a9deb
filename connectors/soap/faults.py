"""What a SOAP fault says of the effect. Pure.

A fault whose code says that the message was wrong (`Client`, `Sender`, a header that was not understood) is a refusal: nothing was
executed. `Server`, `Receiver` and every code that somebody made up say that something went wrong inside, before or after the
effect: of a write that is doubt, unless the configuration says that this code is a refusal.
"""

import re
from dataclasses import dataclass
from typing import Final

from connectors.errors import BusyError, FailedError, InDoubtError
from connectors.soap.xml import ENVELOPES, Element, elements, local

_REFUSED: Final = frozenset(("Client", "Sender", "MustUnderstand", "VersionMismatch", "DataEncodingUnknown"))
_LOGIN: Final = frozenset(("FailedAuthentication", "InvalidSecurityToken", "InvalidSecurity", "FailedCheck"))
_WS_SECURITY: Final = "http://docs.oasis-open.org/wss/"
_MESSAGE_LIMIT: Final = 500
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_CODED: Final = re.compile(r"(?i).*code|name")
"""Elements that hold a code: SAP calls it Name."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_WORD_ENDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
_NAMES: Final = 20


@dataclass(frozen=True, slots=True)
class FaultRules:
    """What the configuration says of the faults of one operation, by any of their names.

    Attributes:
        refusals: nothing was executed.
        busy: nothing was executed, and it may be tried again later.
        absent: of a read: there is no such thing; its result is null.
    """

    refusals: frozenset[str] = frozenset()
    busy: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        names: what the configuration may call it, the most telling first: a code in its detail, the element there, its
            subcodes from the inside, its code; each without prefix, a dotted code also by its parts, the last one first.
        message: for people.
        refused: whether its code says that the message was not processed.
        login: whether it says that the login was refused.
    """

    names: tuple[str, ...]
    message: str
    refused: bool
    login: bool

    @property
    def code(self) -> str:
        """Its first name as a code of ours."""
        for name in self.names:
            code = "_".join(filter(None, _WORD_ENDS.split(name))).lower()
            if _CODE.fullmatch(code):
                return code
        return "soap_fault"


def read_fault(element: Element) -> Fault:
    """Read the `Fault` of an envelope, of either version."""
    space = element.tag.rpartition("}")[0] + "}"
    detail = next((each for each in elements(element) if local(each.tag).lower() == "detail"), None)
    names = _in_detail(detail) if detail is not None else []
    code = element.find(f"{space}Code")
    if code is not None:
        codes = [each.text or "" for each in code.iter(f"{space}Value")][::-1]
        message = element.findtext(f"{space}Reason/{space}Text") or ""
    else:
        # Some write the children of a 1.1 fault with a prefix.
        texts = {local(each.tag): each.text or "" for each in elements(element)}
        codes, message = [texts.get("faultcode", "")], texts.get("faultstring", "")
    plain = [each.strip().rpartition(":")[2] for each in codes]
    dotted = [part for each in plain for part in (*reversed(each.split(".")), each)]
    names = list(dict.fromkeys(name for name in (*names, *dotted) if name))[:_NAMES]
    # Only the outermost code says whose fault it was, and only where it is SOAP's own.
    refused = _is_standard(element, codes[-1]) and plain[-1].partition(".")[0] in _REFUSED | _LOGIN
    return Fault(
        tuple(names),
        " ".join(message.split())[:_MESSAGE_LIMIT] or "a fault without words",
        refused=refused,
        login=refused and bool(set(dotted) & _LOGIN),
    )


def _is_standard(element: Element, code: str) -> bool:
    """Whether a code is one of SOAP or WS-Security; many leave the prefix out."""
    prefix, colon, _ = code.strip().rpartition(":")
    space = element.nsmap.get(prefix, "")
    return not colon or space in ENVELOPES.values() or space.startswith(_WS_SECURITY)


def _in_detail(detail: Element) -> list[str]:
    """Return the codes in a detail, which stand in elements called so, and the names of its elements."""
    leaves = (each for each in detail.iter() if isinstance(each.tag, str) and not len(each))
    codes = [each.text.strip() for each in leaves if each.text and _CODED.fullmatch(local(each.tag))]
    return [each for each in codes if _PLAIN.fullmatch(each)] + [local(each.tag) for each in elements(detail)]


def raise_fault(fault: Fault, rules: FaultRules, *, changes: bool) -> None:
    """Raise what a fault means; return where it means that a read has nothing to find.

    Raises:
        BusyError: by the rules.
        FailedError: it is a refusal, by its code or by the rules; and every fault of a read.
        InDoubtError: of a write, any other.
    """
    names = frozenset(fault.names)
    if names & rules.absent and not changes:
        return
    said = f"{fault.names[0] if fault.names else 'fault'}: {fault.message}"
    if names & rules.busy:
        raise BusyError(said)
    if not changes or fault.refused or names & rules.refusals:
        raise FailedError(said, code=fault.code)
    raise InDoubtError(f"fault {said}")
