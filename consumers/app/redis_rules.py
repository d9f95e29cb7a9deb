"""Which settings of `redis` go together. Each mistake names its field and the fix, and repeats no value."""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

from consumers.app.contradictions import Wrong

if TYPE_CHECKING:
    from consumers.app.redis_settings import Redis, RedisSentinel

_LOOKS: Final = "it looks like redis://host:6379/0"
_ADDRESS: Final = re.compile(r"(\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<host>[^\s:/@,\[\]]+)):(?P<port>\d{1,5})")
_DATABASE: Final = re.compile(r"/?|/\d+")
_SOCKET_OPTIONS: Final = re.compile(r"|db=\d+")


def address(text: str) -> tuple[str, int]:
    """Return host and port of `host:port`, with brackets around an IPv6 address.

    Raises:
        ValueError: it is none.
    """
    found = _ADDRESS.fullmatch(text)
    if not found or not 0 < int(found["port"]) < 65536:  # noqa: PLR2004 - ports have 16 bits
        raise ValueError("is not host:port")
    return found["v6"] or found["host"], int(found["port"])


def redis_mistakes(redis: "Redis") -> Iterator[Wrong]:
    """Yield what does not go together in `redis`."""
    if redis.sentinel is not None:
        yield from _beside_sentinel(redis)
        return
    try:
        url = urlsplit(redis.url)
        _ = url.port
    except ValueError:
        yield "url", f"cannot be read; {_LOOKS}"
        return
    yield from _url_mistakes(url)
    for field, value in (("username", url.username), ("password", url.password)):
        if value and getattr(redis, field):
            yield field, "is in `url` as well: remove one of them"
    if redis.tls is not None and url.scheme != "rediss":
        yield "tls", "is for TLS, and `url` has none: let it begin with rediss://, or remove `tls`"
    if redis.cluster:
        if url.scheme == "unix":
            yield (
                "url",
                "is a socket of this machine, and a cluster is found by host and port: name one of its nodes",
            )
        elif url.path.strip("/0"):
            yield "url", "names a database, and a cluster has only number 0: remove it"
        yield from _node_mistakes(redis.nodes)
    elif redis.nodes:
        yield "nodes", "are those of a cluster: set `cluster: true`, or remove them"


def sentinel_mistakes(sentinel: "RedisSentinel") -> Iterator[Wrong]:
    """Yield what is wrong in `redis.sentinel`."""
    yield from _node_mistakes(sentinel.nodes)


def _beside_sentinel(redis: "Redis") -> Iterator[Wrong]:
    if "url" in redis.model_fields_set:
        yield "url", "names a server, and `sentinel` says whom to ask for it: remove one of them"
    if redis.cluster:
        yield "cluster", "needs no sentinels: remove it, or `sentinel`"
    if redis.nodes:
        yield "nodes", "are those of a cluster: write the sentinels' under `sentinel`"


def _url_mistakes(url: SplitResult) -> Iterator[Wrong]:
    options = _SOCKET_OPTIONS if url.scheme == "unix" else re.compile("")
    if url.scheme not in {"redis", "rediss", "unix"}:
        yield "url", "must begin with redis://, with rediss:// for TLS, or with unix://"
    elif not options.fullmatch(url.query) or url.fragment:
        yield "url", "has options after the `?` or `#`, which are not read: use the fields of `redis`"
    elif url.scheme == "unix":
        if not url.path:
            yield "url", "names no socket; it looks like unix:///run/redis/redis.sock"
    elif not url.hostname or "," in url.hostname:
        yield "url", f"must name one server; {_LOOKS}"
    elif not _DATABASE.fullmatch(url.path):
        yield "url", f"must end in the number of a database; {_LOOKS}"


def _node_mistakes(nodes: Iterable[str]) -> Iterator[Wrong]:
    for node in nodes:
        try:
            address(node)
        except ValueError:
            yield "nodes", "must each be `host:port`"
            return
