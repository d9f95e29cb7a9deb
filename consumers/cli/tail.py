"""`pointsman tail`: topics as they are written, decoded."""

from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path

from consumers.adapters.kafka_reader import topic_reader
from consumers.app.config import Config
from consumers.app.connections import codec_of, kafka_connection
from consumers.cli.exits import load, perform
from consumers.cli.lines import document, line
from consumers.cli.screen import out, print_json_line
from consumers.cli.seen import Reader, Seen
from consumers.cli.topic_plan import plan


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is read and what is shown.

    Attributes:
        topics: to read; all of the configuration where empty.
        from_beginning: start with the oldest records instead of with new ones.
        to_end: end where the topics end now; implies the beginning.
        most: end after so many records, or None.
        type: show events of this type only, or None for all.
        session: show events of this session only, or None for all.
        event_id: show the event with this id only, or None for all.
        key: show records with this key only, or None for all.
    """

    topics: tuple[str, ...] = ()
    from_beginning: bool = False
    to_end: bool = False
    most: int | None = None
    type: str | None = None
    session: str | None = None
    event_id: str | None = None
    key: str | None = None

    def lets_through(self, seen: Seen) -> bool:
        """Return whether a record is shown; one that cannot be decoded is, unless the filters ask for more."""
        if self.key is not None and (seen.record.key is None or seen.record.key != self.key.encode()):
            return False
        if seen.event is None:
            return self.type is self.session is self.event_id is None
        return (
            self.type in {None, seen.event.type}
            and self.session in {None, seen.event.session_id}
            and self.event_id in {None, seen.event.id}
        )


def tail(config: Path, wanted: Wanted, *, as_json: bool) -> None:
    """Print records until enough were shown, the end is reached if that is asked for, or Ctrl-C."""
    settings = load(config).config
    try:
        perform(_tail(settings, wanted, as_json=as_json))
    except KeyboardInterrupt:
        return  # the usual way to end it, no failure


async def _tail(settings: Config, wanted: Wanted, *, as_json: bool) -> None:
    topics = wanted.topics or tuple(topic.name for topic in plan(settings))
    left = wanted.most
    async with AsyncExitStack() as stack:
        codec = codec_of(settings, stack)
        source = await stack.enter_async_context(topic_reader(kafka_connection(settings.kafka)))
        if wanted.to_end:
            records = source.to_end(topics)
        else:
            records = source.follow(topics, from_beginning=wanted.from_beginning)
        reader = Reader(codec, settings)
        async for record in await stack.enter_async_context(aclosing(records)):
            seen = await reader.see(record)
            if not wanted.lets_through(seen):
                continue
            _show(seen, as_json=as_json)
            left = None if left is None else left - 1
            if left == 0:
                return


def _show(seen: Seen, *, as_json: bool) -> None:
    if as_json:
        print_json_line(document(seen))
        return
    console = out()
    # A line is cut at a terminal's edge; in a file or pipe it stays whole.
    console.print(line(seen), crop=console.is_terminal, soft_wrap=not console.is_terminal)
