"""`pointsman approvals approve, reject, done, retry, compensate`: a person's answer, signed and published."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import orjson

from consumers.app.approval_settings import Approvals
from consumers.app.approver_keys import approvers
from consumers.app.config import Config
from consumers.app.connections import outbox, record_codec
from consumers.cli.approval_inbox import Approval, Standing
from consumers.cli.approvals import inbox, the_one
from consumers.cli.exits import fail, load, perform, refuse
from consumers.cli.screen import err, plain, print_json
from consumers.cli.signing import Person, name_of, signer_of
from consumers.errors import DeadLetterError
from consumers.policy.approvers import refuse_others
from consumers.ports.clock import SystemClock
from schemas.approval import ANSWERS, Answer, ApprovalDecision, ApprovalRequest

_DID: Final[Mapping[Answer, str]] = {
    "approve": "approved",
    "edit": "approved with other arguments:",
    "reject": "rejected",
    "done": "noted as done:",
    "retry": "to be done now:",
    "compensate": "noted as done, and its run is undone:",
}


def decide(
    config: Path,
    text: str,
    answer: Answer,
    person: Person,
    *,
    as_json: bool,
    result: str | None = None,
    changes: Sequence[str] = (),
) -> None:
    """Publish a person's answer; it wakes the run."""
    settings = load(config).config
    found = None if result is None else _result(result)
    decision = perform(_decide(settings, text, answer, person, found, changes))
    if as_json:
        said = {"id": decision.request_id, "answer": decision.answer, "approver": decision.approver}
        edited = {} if decision.arguments is None else {"arguments": decision.arguments}
        print_json({**said, "signed": decision.signature is not None, **edited})
    else:
        did = f"{_DID[decision.answer]} {plain(decision.request_id)} as {plain(decision.approver)}"
        err().print(did if decision.signature else f"{did}, not signed", markup=False)


async def _decide(
    settings: Config, text: str, answer: Answer, person: Person, result: Any, changes: Sequence[str]
) -> ApprovalDecision:
    signs = signer_of(settings.approvals, person)
    name = name_of(settings.approvals, signs, person)
    async with AsyncExitStack() as stack:
        codec = await record_codec(settings, stack)
        approval = the_one(await inbox(settings, codec), text)
        request = approval.request
        _fits(approval, answer)
        decision = request.answered(
            "edit" if changes else answer,
            approver=name,
            comment=person.comment,
            at=SystemClock().now(),
            result=result,
            arguments=_edited(request, changes) if changes else None,
        )
        if signs:
            decision = signs.signed(decision)
        _would_count(settings.approvals, request, decision)
        await (await outbox(settings, codec, stack)).approval_decision(decision)
        return decision


def _fits(approval: Approval, answer: Answer) -> None:
    request = approval.request
    if answer not in ANSWERS[request.kind]:
        hint = "approve or reject" if request.kind == "approval" else " or ".join(ANSWERS["doubt"])
        what = "held" if request.kind == "approval" else "in doubt"
        fail(f"{request.id} is {what}; it can be answered with {hint}")
    late = approval.standing is Standing.EXPIRED and approval.waits
    if late and answer == "approve":
        fail(f"{request.id} is expired: it can only be rejected, and its run then ends without it")
    if approval.standing is not Standing.WAITING and not late:
        fail(f"{request.id} is {approval.standing}: an answer would change nothing")


def _would_count(settings: Approvals, request: ApprovalRequest, decision: ApprovalDecision) -> None:
    """End the process where a worker would refuse the answer; who does not know the keys leaves it to the worker."""
    if not settings.keys:
        return
    try:
        by = approvers(settings).who(decision)
        refuse_others(request.id, by, request.approvers, request.requester)
    except DeadLetterError as error:
        fail(f"workers would refuse it: {error}")


def _edited(request: ApprovalRequest, changes: Sequence[str]) -> dict[str, Any]:
    edited = dict(request.arguments)
    for change in changes:
        name, equals, text = change.partition("=")
        if not equals or name not in edited:
            known = ", ".join(edited) or "none"
            refuse(
                f"--set {change}: write NAME=VALUE, with one of the arguments of {request.action}: {known}"
            )
        edited[name] = text if isinstance(edited[name], str) else _value(text)
    if edited == request.arguments:
        refuse("--set changes nothing: approve it without")
    return edited


def _value(text: str) -> Any:
    """Read a value as JSON, or as the text that it is."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _result(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        fail(
            f'--result is no JSON: {error}; write what the action returned, such as \'{{"order_id": "O-1"}}\''
        )
