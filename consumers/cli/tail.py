"""`pointsman tail`: topics as they are written, decoded."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path

from consumers.adapters.kafka_reader import topic_reader
from consumers.app.compose import kafka_connection, record_codec
from consumers.app.config import Config
from consumers.cli.exits import load, perform
from consumers.cli.lines import document, line
from consumers.cli.screen import out, print_json_line
from consumers.cli.seen import Reader, Seen


@dataclass(frozen=True, slots=True)
class Filter:
    """What is shown. Records that cannot be decoded are, unless something is asked of the event."""

    type: str | None = None
    session: str | None = None

    def lets_through(self, seen: Seen) -> bool:
        """Return whether a record is wanted."""
        if seen.event is None:
            return self.type is None and self.session is None
        return self.type in {None, seen.event.type} and self.session in {None, seen.event.session_id}


def tail(
    config: Path,
    topics: Sequence[str],
    wanted: Filter,
    *,
    from_beginning: bool,
    to_end: bool,
    most: int | None,
    as_json: bool,
) -> None:
    """Print records until enough were shown, the end is reached if that is asked for, or Ctrl-C."""
    settings = load(config).config
    try:
        perform(_tail(settings, topics, wanted, from_beginning, to_end, most, as_json))
    except KeyboardInterrupt:
        return  # the usual way to end it, no failure


async def _tail(
    settings: Config,
    topics: Sequence[str],
    wanted: Filter,
    from_beginning: bool,
    to_end: bool,
    most: int | None,
    as_json: bool,
) -> None:
    console = out()
    shown = 0
    async with AsyncExitStack() as stack:
        codec = await record_codec(settings, stack)
        source = await stack.enter_async_context(topic_reader(kafka_connection(settings.kafka)))
        records = source.to_end(topics) if to_end else source.follow(topics, from_beginning=from_beginning)
        stream = await stack.enter_async_context(aclosing(records))
        async for seen in _seen(stream, Reader(codec, settings)):
            if not wanted.lets_through(seen):
                continue
            if as_json:
                print_json_line(document(seen))
            else:
                console.print(line(seen), crop=console.is_terminal, soft_wrap=not console.is_terminal)
            shown += 1
            if shown == most:
                return
