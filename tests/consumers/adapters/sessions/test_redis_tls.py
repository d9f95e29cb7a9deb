"""Redis by TLS: an authority of our own, our certificate, and what is said when either does not fit."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from consumers.adapters.redis_connection import connect
from consumers.adapters.redis_sessions import RedisSessions
from consumers.app.redis_login import redis_client, tls_of
from consumers.app.redis_settings import Redis as Settings
from consumers.app.redis_settings import RedisSentinel, RedisTls
from consumers.app.section import SecretRef
from consumers.errors import ConfigurationError, UnavailableError
from consumers.local.program import free_port
from consumers.ports.sessions import Entry
from consumers.session.context import Context
from consumers.session.key import SessionKey
from tests.consumers.adapters.sessions.redis_servers import (
    HOST,
    SERVICE,
    Server,
    admin,
    is_whole,
    sentinel_rules,
    server,
    until,
)
from tests.consumers.adapters.sessions.tls_door import Papers, tls_door

KEYS = [SessionKey("acme", f"order-{number}") for number in range(20)]


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    return Papers.issued(tmp_path / "papers")


@pytest.fixture
def door(one_server: Server, papers: Papers) -> Iterator[int]:
    with tls_door(one_server.port, papers) as port:
        yield port


async def worked(settings: Settings) -> None:
    """Check the servers, and work a run of each session."""
    async with redis_client(settings) as client:
        await client.flushall()
        sessions = RedisSessions(client)
        assert await sessions.check() == []
        for key in KEYS:
            lease = (await sessions.open(key, "run-1")).lease
            await sessions.append(lease, [Entry("t1/decision", {})])
            await sessions.renew_leases()
            await sessions.close(lease, [Entry("outcome", {})], Context())


def secured(door: int, tls: RedisTls | None, **more: object) -> Settings:
    return Settings.model_validate({"url": f"rediss://{HOST}:{door}", "tls": tls, **more})


async def refused(settings: Settings) -> str:
    async with redis_client(settings) as client:
        with pytest.raises(ConfigurationError) as caught:
            await RedisSessions(client).check()
    return str(caught.value)


async def test_a_server_by_tls_with_our_certificate(door: int, papers: Papers) -> None:
    await worked(secured(door, papers.tls))


async def test_a_key_that_is_encrypted(one_server: Server, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret")
    papers = Papers.issued(tmp_path / "papers", key_password="s3cret")
    tls = papers.tls.model_copy(update={"key_password": SecretRef(file=tmp_path / "password")})
    with tls_door(one_server.port, papers) as door:
        await worked(secured(door, tls))


async def test_another_authority_is_refused_and_named(door: int, papers: Papers, tmp_path: Path) -> None:
    other = Papers.issued(tmp_path / "other")
    tls = papers.tls.model_copy(update={"ca_file": other.folder / "ca.pem"})
    for cluster in (False, True):
        said = await refused(secured(door, tls, cluster=cluster))
        assert "its certificate is not accepted" in said
        assert "check redis.tls.ca_file" in said


async def test_without_a_file_the_systems_authorities_are_asked(door: int) -> None:
    for tls in (None, RedisTls()):
        assert "check redis.tls.ca_file" in await refused(secured(door, tls))


async def test_a_certificate_of_another_name_is_refused(one_server: Server, tmp_path: Path) -> None:
    papers = Papers.issued(tmp_path / "papers", server="redis.example.com")
    with tls_door(one_server.port, papers) as door:
        assert "the name it is called by" in await refused(secured(door, papers.tls))


async def test_a_server_that_wants_our_certificate_says_so(door: int, papers: Papers, tmp_path: Path) -> None:
    other = Papers.issued(tmp_path / "other").tls
    none = {"cert_file": None, "key_file": None}
    strange = {"cert_file": other.cert_file, "key_file": other.key_file}
    for update in (none, strange):
        said = await refused(secured(door, papers.tls.model_copy(update=update)))
        assert "check redis.tls.cert_file and key_file" in said


async def test_tls_to_a_port_without_it_is_told_apart(one_server: Server, papers: Papers) -> None:
    tls = tls_of(secured(one_server.port, papers.tls))
    async with connect(f"rediss://{HOST}:{one_server.port}", tls=tls, timeout_s=0.2) as client:
        with pytest.raises(UnavailableError, match="takes connections and answers no TLS"):
            await RedisSessions(client).check()


async def test_no_tls_to_a_port_with_it_ends_the_connection(door: int) -> None:
    async with redis_client(Settings(url=f"redis://{HOST}:{door}")) as client:
        with pytest.raises(UnavailableError):
            await RedisSessions(client).check()


async def test_nodes_of_a_cluster_by_tls(papers: Papers, tmp_path: Path) -> None:
    port = free_port()
    async with AsyncExitStack() as stack:
        door = stack.enter_context(tls_door(port, papers))
        node = await stack.enter_async_context(
            server(tmp_path / "node", port=port, cluster_enabled="yes", cluster_announce_port=door)
        )
        async with admin(node) as redis:
            await redis.execute_command("CLUSTER ADDSLOTS", *range(16384))
            await until(lambda: is_whole(redis))
        await worked(secured(door, papers.tls, cluster=True))


async def test_sentinels_and_their_primary_by_tls(papers: Papers, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        primary = await stack.enter_async_context(server(tmp_path / "primary"))
        door = stack.enter_context(tls_door(primary.port, papers, open_to_all=True))
        rules = sentinel_rules(tmp_path / "sentinel", (HOST, door))
        sentinel = await stack.enter_async_context(server(rules.parent, str(rules), "--sentinel"))
        door = stack.enter_context(tls_door(sentinel.port, papers))
        asked = RedisSentinel(service=SERVICE, nodes=(f"{HOST}:{door}",))
        await worked(Settings(sentinel=asked, tls=papers.tls))
        other = Papers.issued(tmp_path / "other").tls
        said = await refused(Settings(sentinel=asked, tls=other))
        assert said.startswith("Sentinel: its certificate is not accepted")
