"""Asks a broker who is in its cluster, in Kafka's own protocol: an open port is not yet a broker that serves."""

import socket
import struct

_API_VERSIONS = 18
_METADATA = 3


def brokers(address: tuple[str, int], *, timeout_s: float = 2) -> int:
    """Return how many brokers this one knows to be alive, itself included.

    Raises OSError while nothing listens and ConnectionError when the peer speaks, but not as Kafka does.
    """
    with socket.create_connection(address, timeout=timeout_s) as connection:
        (error,) = struct.unpack_from(">h", _ask(connection, _API_VERSIONS, version=0))
        if error:
            raise ConnectionError(f"ApiVersions answered error {error}")
        # Version 1 is the oldest with a plain array here; an empty array of topics asks for no topic.
        (count,) = struct.unpack_from(">i", _ask(connection, _METADATA, version=1, body=struct.pack(">i", 0)))
        return count


def _ask(connection: socket.socket, api_key: int, *, version: int, body: bytes = b"") -> bytes:
    client = b"ops"
    request = struct.pack(">hhih", api_key, version, 1, len(client)) + client + body
    connection.sendall(struct.pack(">i", len(request)) + request)
    (size,) = struct.unpack(">i", _read(connection, 4))
    return _read(connection, size)[4:]  # without the correlation id


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise ConnectionError("the broker closed the connection")
        data += part
    return data
