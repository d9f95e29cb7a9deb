"""`pointsman publish`: events onto a topic, in order, each acknowledged by the broker."""

import asyncio
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TextIO

import orjson
from aiokafka import AIOKafkaProducer

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_reader import topic_reader
from consumers.app.config import Config
from consumers.app.connections import kafka_connection, record_codec
from consumers.cli.event_lines import EventLineError, parse_event, parse_events
from consumers.cli.exits import fail, load, perform, refuse
from consumers.cli.read_ahead import read_ahead
from consumers.cli.screen import err, plain, print_json, progress_bar
from schemas.codec.json import read_object
from schemas.codec.records import RecordCodec, json_record
from schemas.envelope import Envelope
from schemas.errors import RegistryError, SchemaError, UnknownSchemaError, UnreadableError
from schemas.record import Encoded, Record

_IN_FLIGHT: Final = 500
"""Events that may wait for the broker at once."""
_ACKNOWLEDGED_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Publishing:
    """Where to and how.

    Attributes:
        topic: must exist.
        key: record key instead of the session id, or None.
        rate: events a second at most, or None for as fast as it goes.
        plain_json: whether the topic is declared to hold JSON, and nothing else.
    """

    topic: str
    key: str | None
    rate: float | None
    plain_json: bool = False


@dataclass(frozen=True, slots=True)
class OneEvent:
    """One event from the command line; all None where there is none."""

    type: str | None
    data: str | None
    session: str | None
    id: str | None

    def envelope(self) -> Envelope:
        """Return the event; ends the process where it is none."""
        try:
            fields = {"type": self.type, "session": self.session, "id": self.id}
            given = {name: value for name, value in fields.items() if value is not None}
            payload = read_object(self.data.encode()) if self.data is not None else {}
            return parse_event(orjson.dumps({**given, "payload": payload}), where="the command line")
        except (EventLineError, UnreadableError) as error:
            refuse(f"--data: {error}")


def publish(config: Path, how: Publishing, file: Path | None, one: OneEvent, *, as_json: bool) -> None:
    """Publish one event, or those of a file or of standard input."""
    if one.type is None and one != OneEvent(None, None, None, None):
        refuse("--data, --session and --id describe one event: it needs --type, too")
    if one.type is not None and file is not None:
        refuse("give either a file or --type, not both")
    settings = load(config).config
    declared = settings.topics.get(how.topic)
    how = replace(how, plain_json=declared is not None and declared.format == "json")
    if one.type is not None:
        published = _published(settings, how, [one.envelope()], total=1)
    elif file is None or str(file) == "-":
        published = _published(settings, how, parse_events(_stdin(), name="stdin"), total=None)
    else:
        published = _from_file(settings, how, file)
    if as_json:
        print_json({"topic": how.topic, "published": published})
    else:
        err().print(
            f"published {published} event{'s' * (published != 1)} to {plain(how.topic)}", markup=False
        )


def encode(event: Envelope, codec: RecordCodec, how: Publishing) -> Encoded:
    """Encode as Avro where the event's type has a schema and the topic takes it, else as JSON; both are CloudEvents."""
    try:
        encoded = json_record(event) if how.plain_json else codec.encode(event)
    except UnknownSchemaError:
        encoded = json_record(event)
    return encoded if how.key is None else replace(encoded, key=how.key.encode())


def _from_file(settings: Config, how: Publishing, file: Path) -> int:
    try:
        with file.open(encoding="utf-8") as lines:
            total = sum(1 for line in lines if line.strip())
            lines.seek(0)
            return _published(settings, how, parse_events(lines, name=file.name), total=total)
    except (OSError, UnicodeDecodeError) as error:
        refuse(f"{file}: cannot be read: {error}")


def _published(settings: Config, how: Publishing, events: Iterable[Envelope], *, total: int | None) -> int:
    with progress_bar("publishing") as bar:
        task = bar.add_task("publishing", total=total)
        return perform(_publish(settings, how, iter(events), lambda: bar.advance(task)))


async def _publish(
    settings: Config, how: Publishing, events: Iterator[Envelope], advance: Callable[[], None]
) -> int:
    connection = kafka_connection(settings.kafka)
    async with AsyncExitStack() as stack:
        async with topic_reader(connection) as reader:
            await reader.spans([how.topic])  # a wrong name must not make a topic
        codec = await record_codec(settings, stack)
        producer = kafka_clients.producer(connection)
        stack.push_async_callback(kafka_clients.stop, producer)
        await producer.start()
        return await _send_all(producer, codec, how, events, advance)


async def _send_all(
    producer: AIOKafkaProducer,
    codec: RecordCodec,
    how: Publishing,
    events: Iterator[Envelope],
    advance: Callable[[], None],
) -> int:
    loop = asyncio.get_running_loop()
    began = loop.time()
    sent = 0
    waiting: list[asyncio.Future[object]] = []
    try:
        async for event in read_ahead(events):
            message = await _readable(event, codec, how)
            waiting.append(
                await producer.send(how.topic, message.value, key=message.key, headers=list(message.headers))
            )
            sent += 1
            advance()
            if how.rate or len(waiting) >= _IN_FLIGHT:
                await _acknowledged(waiting)
            if how.rate:
                await asyncio.sleep(max(0.0, began + sent / how.rate - loop.time()))
    except (EventLineError, SchemaError) as error:
        await _acknowledged(waiting)
        fail(f"{error}\nevents published before it: {sent}")
    await _acknowledged(waiting)
    return sent


async def _readable(event: Envelope, codec: RecordCodec, how: Publishing) -> Encoded:
    """Encode an event, and refuse what a worker would refuse: too large, or not what is declared of its topic.

    Raises:
        EventLineError: it does not fit its schema, or would not be read; names the event.
        RegistryError: as `RecordCodec.decode` raises it.
    """
    try:
        message = encode(event, codec, how)
        read = Record(how.topic, 0, 0, 0, message.key, message.value, message.headers)
        await codec.decode(read, tenant="")
    except RegistryError:
        raise
    except SchemaError as error:
        problem = str(error).removeprefix(f"{how.topic}[0]@0: ")
        raise EventLineError(f"event {event.id}: {how.topic} would not take it: {problem}") from error
    return message


def _stdin() -> TextIO:
    """Return standard input as UTF-8 whatever the locale says; a line that is none is refused, with its number.

    It is no wrapper of its own: one that is closed at the end, while a thread still reads, aborts the interpreter.
    """
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")
    return sys.stdin


async def _acknowledged(waiting: list["asyncio.Future[object]"]) -> None:
    async with asyncio.timeout(_ACKNOWLEDGED_S):
        for future in waiting:
            await future
    waiting.clear()
