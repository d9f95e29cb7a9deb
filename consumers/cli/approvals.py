"""`pointsman approvals list, show`: actions that are held or in doubt, and who has answered."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import orjson
from rich.table import Table

from consumers.adapters.kafka_reader import topic_reader
from consumers.app.approver_keys import approvers
from consumers.app.config import Config
from consumers.app.connections import codec_of, kafka_connection
from consumers.cli.approval_inbox import Approval, Standing, find, fold
from consumers.cli.exits import fail, load, perform
from consumers.cli.reveal import revealing
from consumers.cli.screen import out, print_json, styled, table
from consumers.cli.seen import Reader
from consumers.ports.clock import SystemClock
from consumers.session.key import SessionKey
from schemas.approval import ApprovalDecision, ApprovalRequest
from schemas.codec.records import RecordCodec
from schemas.codec.values import iso

_STYLES: Final = {
    Standing.WAITING: "magenta",
    Standing.EXPIRED: "dim",
    Standing.APPROVED: "green",
    Standing.REJECTED: "red",
    Standing.RESOLVED: "green",
}


def list_approvals(config: Path, *, everything: bool, as_json: bool) -> None:
    """Print what waits and what expired; with `everything` also what was answered."""
    approvals = perform(_read(load(config).config))
    shown = [a for a in approvals if everything or a.waits]
    if as_json:
        print_json([_document(approval) for approval in shown])
        return
    made = table("id", "what", "standing", "session", "action", "arguments", "why", "who", "until")
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
            styled(_who(approval)),
            styled(request.expires_at.astimezone().strftime("%Y-%m-%d %H:%M") if request.expires_at else ""),
        )
    out().print(made if shown else "nothing waits for a person")


def show(config: Path, text: str, *, as_json: bool, reveal: bool = False) -> None:
    """Print everything a person needs to judge one request."""
    settings = load(config).config
    approval = the_one(perform(_read(settings)), text)
    document = _document(approval)
    if reveal:
        document = revealing(settings, SessionKey(approval.request.tenant, approval.request.session_id))(
            document
        )
    if as_json:
        print_json(document)
        return
    facts = Table.grid(padding=(0, 2))
    for name, value in document.items():
        said = (
            value
            if isinstance(value, str)
            else "-"
            if value is None
            else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
        )
        facts.add_row(styled(name, "dim"), styled(said))
    out().print(facts)


async def _read(settings: Config) -> list[Approval]:
    async with AsyncExitStack() as stack:
        return await inbox(settings, codec_of(settings, stack))


async def inbox(settings: Config, codec: RecordCodec) -> list[Approval]:
    """Read the approvals topic to its end; answers count as they do for workers, where the configuration has the keys.

    Raises:
        ConfigurationError: a public key cannot be read.
        PointsmanError: Kafka is away.
    """
    known = approvers(settings.approvals) if settings.approvals.keys else None
    messages: list[ApprovalRequest | ApprovalDecision] = []
    reader = Reader(codec, settings)
    async with topic_reader(kafka_connection(settings.kafka)) as source:
        async for record in source.to_end([settings.kafka.approvals_topic]):
            message = (await reader.see(record)).message
            if isinstance(message, ApprovalRequest | ApprovalDecision):
                messages.append(message)
    return fold(messages, now=SystemClock().now(), approvers=known)


def the_one(approvals: list[Approval], text: str) -> Approval:
    """Return the one request whose id begins like this; ends the process where there is none, or several."""
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
        "approvers": list(request.approvers),
        "quorum": request.quorum,
        "requester": request.requester,
        "origins": request.origins,
        "answers": [_answer(each) for each in approval.answers],
        "idempotency_key": request.key,
        "digest": request.digest,
    }
    if decision:
        said["decision"] = _answer(decision)
    return said


def _answer(decision: ApprovalDecision) -> dict[str, Any]:
    said: dict[str, Any] = {
        "answer": decision.answer,
        "approver": decision.approver,
        "comment": decision.comment,
        "at": iso(decision.decided_at),
        "signed": decision.signature is not None,
        "result": decision.result,
    }
    return said if decision.arguments is None else {**said, "arguments": decision.arguments}


def _who(approval: Approval) -> str:
    """Return in a few words who may answer, and who has."""
    request = approval.request
    parts = [" or ".join(request.approvers)] if request.approvers else []
    if request.quorum > 1:
        parts.append(f"{len({each.approver for each in approval.answers})} of {request.quorum}")
    if request.requester:
        parts.append(f"not {request.requester}")
    parts += [f"{each.answer} by {each.approver}" for each in approval.answers]
    return ", ".join(parts)
