"""One side of `bench-replay`, as a process of its own: a replay in rebuild mode, or a bare loop. Prints figures as JSON.

A replay takes as many processes as the command would, or those it is told. Its clock begins when the first of them is
connected; what starting the others takes then is in its figures.

The bare loop polls the same records with the same consumer settings, looks up in a dictionary which outcome each led to
(made before the clock runs), and sends that with the same producer settings, 500 at a time. It sends a batch while the one
before is being acknowledged, and commits its offsets then. With `--transactions`, a batch and its offsets are one
transaction, as in a replay, one after the other.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import OffsetAndMetadata
from load import ORDERS, OUTCOMES

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_reader import topic_reader
from consumers.app.config_file import read_config
from consumers.app.rebuild_processes import run_in_processes
from consumers.app.replay_rebuild import run_rebuild
from consumers.replay.chosen import Chosen
from consumers.replay.job import Job
from consumers.replay.mode import Mode
from consumers.replay.pace import Pace
from consumers.replay.reached import Tally
from consumers.replay.rebuild import BATCH
from consumers.replay.shares import processes_for
from schemas.codec.outgoing import outcome_of
from schemas.codec.records import RecordCodec
from schemas.registry.folder import FolderRegistry

Message = tuple[bytes, bytes, list[tuple[str, bytes]]]


class Stopwatch:
    """Wall and CPU time of this process since it was begun."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        return {"wall_s": time.perf_counter() - self._wall, "cpu_s": time.process_time() - self._cpu}


def main() -> None:
    options = _options()
    if options.side == "rebuild":
        figures = asyncio.run(_rebuild(options.config, options.output, options.processes, options.profile))
    else:
        figures = asyncio.run(_bare(options.config, options.output, transactions=options.transactions))
    sys.stdout.buffer.write(orjson.dumps(figures) + b"\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("side", choices=["rebuild", "bare"])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--output", required=True, help="topic")
    parser.add_argument("--transactions", action="store_true")
    parser.add_argument("--processes", type=int, help="of a replay; as many as the command takes unless said")
    parser.add_argument("--profile", type=Path, help="write cProfile's figures there")
    return parser.parse_args()


async def _rebuild(config: Path, output: str, processes: int | None, profile: Path | None) -> dict[str, Any]:
    file = read_config(config)
    async with topic_reader(KafkaConnection(file.config.kafka.bootstrap, {})) as reader:
        spans = {tp.partition: (s.first, s.end) for tp, s in (await reader.spans([ORDERS])).items()}
    job = Job(output, Mode.REBUILD, ORDERS, spans, Chosen(), output, "bench", datetime.now(UTC))
    processes = processes or processes_for(job, os.cpu_count() or 1)
    watch, begun = Stopwatch(), False

    def progress(_done: int, _total: int) -> None:
        nonlocal begun
        if not begun:
            watch.begin()  # connected; the bare loop's clock begins there as well
            begun = True

    async def run() -> Tally:
        stop = asyncio.Event()
        if processes == 1:
            return await run_rebuild(file, job, progress=progress, stop=stop, pace=Pace())
        return await run_in_processes(file, job, processes, progress=progress, stop=stop, pace=Pace())

    if profile is not None:
        import cProfile

        with cProfile.Profile() as seen:
            tally = await run()
        seen.dump_stats(profile)
    else:
        tally = await run()
    figures = watch.read()
    if processes > 1:
        del figures["cpu_s"]  # of this process only, which waits
    return {**figures, "events": tally["republished"], "tally": tally}


async def _bare(config: Path, output: str, *, transactions: bool) -> dict[str, Any]:
    file = read_config(config)
    connection = KafkaConnection(file.config.kafka.bootstrap, {})
    outcomes = await _outcomes(connection)
    consumer = kafka_clients.group_consumer(
        connection, group=output, instance_id=None, session_timeout_s=45, reset="earliest"
    )
    producer = kafka_clients.producer(
        connection,
        transactional_id=output if transactions else None,
        batch_bytes=kafka_clients.LARGE_BATCH_BYTES,
    )
    await consumer.start()
    await producer.start()
    try:
        tps = [
            TopicPartition(ORDERS, n)
            for n in sorted((await kafka_clients.partitions_of(consumer, [ORDERS]))[ORDERS])
        ]
        ends = await consumer.end_offsets(tps)
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        watch = Stopwatch()
        loop = _in_transactions if transactions else _in_a_row
        sent = await loop(consumer, producer, outcomes, output, sum(ends.values()))
        return {**watch.read(), "events": sent}
    finally:
        await kafka_clients.stop(consumer)
        await kafka_clients.stop(producer)


async def _in_a_row(
    consumer: AIOKafkaConsumer,
    producer: AIOKafkaProducer,
    outcomes: Mapping[str, Message],
    output: str,
    count: int,
) -> int:
    before: tuple[Sequence[asyncio.Future[Any]], Mapping[TopicPartition, int]] = ((), {})
    sent = 0

    async def finish() -> None:
        futures, offsets = before
        for future in futures:
            await future
        if offsets:
            await consumer.commit({tp: OffsetAndMetadata(at, "") for tp, at in offsets.items()})

    while sent < count:
        futures, offsets = await _send(consumer, producer, outcomes, output)
        await finish()
        before = (futures, offsets)
        sent += len(futures)
    await finish()
    return sent


async def _in_transactions(
    consumer: AIOKafkaConsumer,
    producer: AIOKafkaProducer,
    outcomes: Mapping[str, Message],
    output: str,
    count: int,
) -> int:
    sent = 0
    while sent < count:
        await producer.begin_transaction()
        futures, offsets = await _send(consumer, producer, outcomes, output)
        for future in futures:
            await future
        await producer.send_offsets_to_transaction(
            {tp: OffsetAndMetadata(at, "") for tp, at in offsets.items()}, output
        )
        await producer.commit_transaction()
        sent += len(futures)
    return sent


async def _send(
    consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, outcomes: Mapping[str, Message], output: str
) -> tuple[list[asyncio.Future[Any]], dict[TopicPartition, int]]:
    batches: Mapping[TopicPartition, Sequence[Any]] = {}
    while not batches:
        batches = await consumer.getmany(timeout_ms=200, max_records=BATCH)
    futures: list[asyncio.Future[Any]] = []
    for records in batches.values():
        for record in records:
            key, value, headers = outcomes[_event_id(record.headers)]
            futures.append(await producer.send(output, key=key, value=value, headers=headers))
    return futures, {tp: records[-1].offset + 1 for tp, records in batches.items()}


def _event_id(headers: Sequence[tuple[str, bytes]]) -> str:
    return next(value for name, value in headers if name == "ce_id").decode()


async def _outcomes(connection: KafkaConnection) -> dict[str, Message]:
    codec = RecordCodec(FolderRegistry())
    found: dict[str, Message] = {}
    async with topic_reader(connection) as reader:
        async for record in reader.to_end([OUTCOMES]):
            outcome = outcome_of(await codec.decode(record, tenant="bench"))
            assert record.key is not None
            assert record.value is not None
            found[outcome.event_id] = (record.key, record.value, list(record.headers))
    return found


if __name__ == "__main__":
    main()
