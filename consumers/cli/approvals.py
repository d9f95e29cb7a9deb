"""`pointsman approvals`: actions that are held or in doubt, and a person's answer to them."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import orjson
from rich.table import Table

from consumers.adapters.kafka_reader import topic_reader
from consumers.app.config import Config
from consumers.app.connections import kafka_connection, outbox, record_codec
from consumers.cli.approval_inbox import Approval, Standing, find, fold
from consumers.cli.exits import fail, load, perform
from consumers.cli.screen import err, out, plain, print_json, styled, table
from consumers.cli.seen import Reader
from consumers.ports.clock import SystemClock
from schemas.approval import ANSWERS, Answer, ApprovalDecision, ApprovalRequest
from schemas.codec.records import RecordCodec
from schemas.codec.values import iso

_STYLES: Final = {
    Standing.WAITING: "magenta",
    Standing.EXPIRED: "dim",
    Standing.APPROVED: "green",
    Standing.REJECTED: "red",
    Standing.RESOLVED: "green",
}


_DID: Final[Mapping[Answer, str]] = {
    "approve": "approved",
    "reject": "rejected",
    "done": "noted as done:",
    "retry": "to be done now:",
    "compensate": "noted as done, and its run is undone:",
}


def list_approvals(config: Path, *, everything: bool, as_json: bool) -> None:
    """Print what waits and what expired; with `everything` also what was answered."""
    approvals = perform(_read(load(config).config))
    shown = [a for a in approvals if everything or a.decision is None]
    if as_json:
        print_json([_document(approval) for approval in shown])
        return
    made = table("id", "what", "standing", "session", "action", "arguments", "why", "until")
    for approval in shown:
        request = approval.request
        made.add_row(
            styled(request.id, "bold"),
            styled("in doubt" if request.kind == "doubt" else "held"),
            styled(approval.standing, _STYLES[approval.standing]),
            styled(request.session_id),
            styled(request.action),
            styled(orjson.dumps(request.arguments).decode()),
            styled(request.reason or request.rule),
            styled(request.expires_at.astimezone().strftime("%Y-%m-%d %H:%M") if request.expires_at else ""),
        )
    out().print(made if shown else "nothing waits for a person")


def show(config: Path, text: str, *, as_json: bool) -> None:
    """Print everything a person needs to judge one request."""
    approval = _the_one(perform(_read(load(config).config)), text)
    if as_json:
        print_json(_document(approval))
        return
    facts = Table.grid(padding=(0, 2))
    for name, value in _document(approval).items():
        said = (
            value
            if isinstance(value, str)
            else "-"
            if value is None
            else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
        )
        facts.add_row(styled(name, "dim"), styled(said))
    out().print(facts)


def decide(
    config: Path,
    text: str,
    answer: Answer,
    *,
    approver: str,
    comment: str,
    as_json: bool,
    result: str | None = None,
) -> None:
    """Publish a person's answer; it wakes the run."""
    found = None
    if result is not None:
        if answer != "done":
            fail("--result goes with done: only what took effect has one")
        try:
            found = orjson.loads(result)
        except orjson.JSONDecodeError as error:
            fail(
                f'--result is no JSON: {error}; write what the action returned, such as \'{{"order_id": "O-1"}}\''
            )
    decision = perform(_decide(load(config).config, text, answer, approver, comment, found))
    if as_json:
        print_json({"id": decision.request_id, "answer": decision.answer, "approver": decision.approver})
    else:
        err().print(
            f"{_DID[answer]} {plain(decision.request_id)} as {plain(decision.approver)}", markup=False
        )


async def _read(settings: Config) -> list[Approval]:
    async with AsyncExitStack() as stack:
        return await _inbox(settings, await record_codec(settings, stack))


async def _inbox(settings: Config, codec: RecordCodec) -> list[Approval]:
    messages: list[ApprovalRequest | ApprovalDecision] = []
    reader = Reader(codec, settings)
    async with topic_reader(kafka_connection(settings.kafka)) as source:
        async for record in source.to_end([settings.kafka.approvals_topic]):
            message = (await reader.see(record)).message
            if isinstance(message, ApprovalRequest | ApprovalDecision):
                messages.append(message)
    return fold(messages, now=SystemClock().now())


async def _decide(
    settings: Config, text: str, answer: Answer, approver: str, comment: str, result: Any
) -> ApprovalDecision:
    async with AsyncExitStack() as stack:
        codec = await record_codec(settings, stack)
        approval = _the_one(await _inbox(settings, codec), text)
        request = approval.request
        if answer not in ANSWERS[request.kind]:
            hint = " or ".join(ANSWERS[request.kind])
            fail(
                f"{request.id} is {'held' if request.kind == 'approval' else 'in doubt'}; it can be answered with {hint}"
            )
        late = approval.standing is Standing.EXPIRED and approval.decision is None
        if late and answer == "approve":
            fail(f"{request.id} is expired: it can only be rejected, and its run then ends without it")
        if approval.standing is not Standing.WAITING and not late:
            fail(f"{request.id} is {approval.standing}: an answer would change nothing")
        now = SystemClock().now()
        decision = request.answered(answer, approver=approver, comment=comment, at=now, result=result)
        await (await outbox(settings, codec, stack)).approval_decision(decision)
        return decision


def _the_one(approvals: list[Approval], text: str) -> Approval:
    found = find(approvals, text)
    if not found:
        fail(f"no request {text}; `pointsman approvals list --all` shows them")
    if len(found) > 1:
        fail(f"{text} begins the ids of {len(found)} requests; give more of it")
    return found[0]


def _document(approval: Approval) -> dict[str, Any]:
    request, decision = approval.request, approval.decision
    said: dict[str, Any] = {
        "id": request.id,
        "kind": request.kind,
        "standing": str(approval.standing),
        "action": request.action,
        "description": request.description,
        "arguments": request.arguments,
        "rule": request.rule,
        "reason": request.reason,
        "compensation": request.compensation,
        "event": f"{request.event_type} {request.event_id} from {request.event_source}",
        "tenant": request.tenant,
        "session": request.session_id,
        "route": request.route,
        "requested_at": iso(request.requested_at),
        "expires_at": iso(request.expires_at) if request.expires_at else None,
        "idempotency_key": request.key,
        "digest": request.digest,
    }
    if decision:
        said["decision"] = {
            "answer": decision.answer,
            "approver": decision.approver,
            "comment": decision.comment,
            "at": iso(decision.decided_at),
            "result": decision.result,
        }
    return said
