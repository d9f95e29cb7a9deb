"""People who are asked, and answer."""

from datetime import UTC, datetime
from typing import Any

from consumers.adapters import kafka_clients
from consumers.app.approver_keys import signer
from consumers.app.config_file import read_config
from schemas.approval import ApprovalRequest
from schemas.codec.outgoing import own_message_of
from schemas.errors import UnreadableError
from schemas.record import Outgoing
from tests.integration.stage import Stage


async def asked(played: Stage) -> ApprovalRequest:
    """Wait for the request that a person sees."""
    reader = kafka_clients.reader(played.connection)
    reader.subscribe(["pointsman.approvals"])
    await reader.start()
    try:
        async for fetched in reader:
            record = kafka_clients.record_of(fetched)
            said: Any = own_message_of(await played.codec.decode(record, tenant="test"))
            if isinstance(said, ApprovalRequest):
                return said
    except UnreadableError as error:
        raise AssertionError("the approvals topic holds something else") from error
    finally:
        await kafka_clients.stop(reader)
    raise AssertionError("the reader ended")


async def approve(played: Stage, request: ApprovalRequest) -> None:
    settings = read_config(played.config).config.approvals.sign_with
    assert settings is not None
    yes = request.answered("approve", approver="the demo", comment="Fine.", at=datetime.now(UTC))
    message = played.codec.encode(signer(settings).signed(yes))
    await played.sender.send([Outgoing("pointsman.approvals", message.key, message.value, message.headers)])
