"""What an error proves about the effect, which is little."""

import pytest

from connectors.errors import ActionError, BusyError, FailedError, InDoubtError, UnusableResultError
from connectors.mcp.failures import HandedOver, rpc_error, tool_error


@pytest.mark.parametrize(
    ("code", "read", "write", "refusing_write"),
    [
        (-32601, FailedError, FailedError, FailedError),  # unknown method: it was not even looked for
        (-32602, FailedError, InDoubtError, FailedError),  # invalid parameters, perhaps of something half-way
        (-32603, FailedError, InDoubtError, InDoubtError),
        (-32600, FailedError, InDoubtError, InDoubtError),
        (1, FailedError, InDoubtError, InDoubtError),
        (-32000, InDoubtError, InDoubtError, InDoubtError),  # the connection closed
        (-32001, InDoubtError, InDoubtError, InDoubtError),  # the protocol's client gave up
        (-32700, UnusableResultError, UnusableResultError, UnusableResultError),
    ],
)
def test_each_code_means_no_more_than_it_proves(
    code: int, read: type[ActionError], write: type[ActionError], refusing_write: type[ActionError]
) -> None:
    def made(*, changes: bool, refused: bool) -> type[ActionError]:
        return type(rpc_error("pay", code, "so it is", changes=changes, refused=refused))

    assert made(changes=False, refused=False) is read
    assert made(changes=True, refused=False) is write
    assert made(changes=True, refused=True) is refusing_write


def test_an_answer_that_cannot_be_read_claims_no_effect() -> None:
    error = rpc_error("pay", -32700, "SECRET payload", changes=True, refused=False)
    assert isinstance(error, UnusableResultError)
    assert not error.executed
    assert "SECRET" not in str(error)


def test_messages_of_servers_are_cut() -> None:
    said = {"content": [{"type": "text", "text": "x" * 10_000}]}
    for changes in (False, True):
        assert len(str(tool_error("pay", said, changes=changes, refused=False))) < 700
        assert len(str(rpc_error("pay", 1, "x" * 10_000, changes=changes, refused=False))) < 700
    assert str(tool_error("pay", {}, changes=False, refused=False)) == "pay failed"


def test_an_error_that_is_handed_over_is_taken_once_and_by_its_token_only() -> None:
    handed_over = HandedOver()
    error = BusyError("HTTP 503", retry_after_s=7)
    said = handed_over.put(error)
    assert handed_over.take(said["code"], "guessed") is None
    assert handed_over.take(-32000, said["data"]) is None
    assert handed_over.take(said["code"], said["data"]) is error
    assert handed_over.take(said["code"], said["data"]) is None
    assert handed_over.take(said["code"], {"no": "token"}) is None


def test_errors_that_nobody_takes_do_not_pile_up() -> None:
    handed_over = HandedOver()
    said = [handed_over.put(BusyError("HTTP 503")) for _ in range(5000)]
    taken = [handed_over.take(each["code"], each["data"]) for each in said]
    assert [each is not None for each in taken] == [False] * 4000 + [True] * 1000
