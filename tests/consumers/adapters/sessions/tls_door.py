"""TLS in front of a Redis that has none: the packaged server is built without it.

A door is a port that speaks TLS and passes on what it hears. One that is `open_to_all` lets in as well who speaks none, as
a sentinel or another node of a cluster does, so that all of them may know a server by this one port.
"""

import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from consumers.app.redis_settings import RedisTls
from consumers.local.program import HOST
from ops.kafka.certificates import Authority, private_pem

_HELLO = b"\x16"
"""How TLS begins, and no command of Redis does."""


@dataclass(frozen=True)
class Papers:
    """Certificates of an authority: for a server at loopback, and for us."""

    folder: Path

    @classmethod
    def issued(cls, folder: Path, *, server: str = HOST, key_password: str | None = None) -> "Papers":
        folder.mkdir(parents=True)
        authority = Authority("ours")
        (folder / "ca.pem").write_bytes(authority.certificate)
        for name, addresses, password in (("server", [server], None), ("client", [], key_password)):
            certificate, key = authority.issue(name, addresses=addresses)
            (folder / f"{name}.pem").write_bytes(certificate)
            (folder / f"{name}.key").write_bytes(private_pem(key, password))
        return cls(folder)

    @property
    def of_server(self) -> ssl.SSLContext:
        """What the server shows, and that it wants a certificate of the same authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        context.load_verify_locations(self.folder / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    @property
    def tls(self) -> RedisTls:
        """What we are to be configured with."""
        return RedisTls(
            ca_file=self.folder / "ca.pem",
            cert_file=self.folder / "client.pem",
            key_file=self.folder / "client.key",
        )


@contextmanager
def tls_door(to: int, papers: Papers, *, open_to_all: bool = False) -> Generator[int]:
    """Pass connections on to a port of this machine while the block runs; yields the door's own port."""
    context = papers.of_server

    # Threads, not asyncio: its server says nothing to a client whose certificate it refuses, where Redis does.
    class Visit(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            visitor: socket.socket = self.request
            with suppress(OSError):
                if visitor.recv(1, socket.MSG_PEEK) == _HELLO:
                    visitor = context.wrap_socket(visitor, server_side=True)
                elif not open_to_all:
                    return
                with visitor, socket.create_connection((HOST, to)) as there:
                    _pump(visitor, there)

    with socketserver.ThreadingTCPServer((HOST, 0), Visit) as door:
        door.daemon_threads = True
        door.request_queue_size = 128
        serving = threading.Thread(target=door.serve_forever, args=(0.01,), name="tls door")
        serving.start()
        try:
            yield door.server_address[1]
        finally:
            door.shutdown()
            serving.join()


def _pump(one: socket.socket, other: socket.socket) -> None:
    while True:
        held = isinstance(one, ssl.SSLSocket) and one.pending()
        ready, _, _ = ([one], [], []) if held else select.select([one, other], [], [])
        for source in ready:
            data = source.recv(65536)
            if not data:
                return
            (other if source is one else one).sendall(data)
