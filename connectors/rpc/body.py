"""The two protocols on the wire: how a call is written, and how what comes back is read. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from connectors.errors import FailedError
from connectors.rpc import json_body, xml_body
from connectors.rpc.answer import Answer
from connectors.rpc.dialect import Dialect, RpcProtocol


class Body(Protocol):
    """A protocol on the wire."""

    @property
    def content_type(self) -> str:
        """Of requests and answers."""
        ...

    def write(self, method: str, parameters: Sequence[Any] | Mapping[str, Any]) -> bytes:
        """Return the body of a call; raises FailedError `invalid_arguments`."""
        ...

    def read(self, body: bytes) -> Answer:
        """Return what a body says; raises UnreadableAnswerError."""
        ...


class JsonBody:
    """JSON-RPC as a dialect has it."""

    content_type = json_body.CONTENT_TYPE

    def __init__(self, dialect: Dialect) -> None:
        """The dialect says which version, and whether there are types that JSON lacks."""
        self._dialect = dialect

    def write(self, method: str, parameters: Sequence[Any] | Mapping[str, Any]) -> bytes:
        """Return the body of a call."""
        return json_body.write_request(
            method, parameters, version=self._dialect.version, typed=self._dialect.typed
        )

    def read(self, body: bytes) -> Answer:
        """Return what a body says."""
        return json_body.read_answer(body, typed=self._dialect.typed)


class XmlBody:
    """XML-RPC."""

    content_type = xml_body.CONTENT_TYPE

    def write(self, method: str, parameters: Sequence[Any] | Mapping[str, Any]) -> bytes:
        """Return the body of a call; parameters go by position."""
        if isinstance(parameters, Mapping):
            raise FailedError(f"{method}: XML-RPC has no parameters by name", code="invalid_arguments")
        return xml_body.write_request(method, parameters)

    def read(self, body: bytes) -> Answer:
        """Return what a body says."""
        return xml_body.read_answer(body)


def body_of(protocol: RpcProtocol, dialect: Dialect) -> Body:
    """Return the protocol as a kind of system speaks it."""
    return XmlBody() if protocol == "xml-rpc" else JsonBody(dialect)
