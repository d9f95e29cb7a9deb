"""Models that play a cassette, or record one: for tests and evaluations. A worker refuses both.

with cassette(Path("tests/orders.cassette.json")) as model: ...              # plays; anything else asked is an error
with cassette(Path("tests/orders.cassette.json"), record=real) as model: ... # asks the real one and writes the file
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from consumers.adapters.cassette import Cassette
from consumers.errors import ConfigurationError
from consumers.ports.model import Model
from consumers.router.exchange import Prompt, Reply


class CassetteModel:
    """The `Model` port over recorded exchanges. It never asks anybody.

    Attributes:
        played: answers that were given.
    """

    def __init__(self, recorded: Cassette) -> None:
        self._recorded = recorded
        self.played = 0

    async def reply(self, prompt: Prompt) -> Reply:
        """Answer as it was recorded.

        Raises:
            UnrecordedRequestError: this was never asked; the message says where the nearest request differs.
        """
        reply = self._recorded.answer(prompt)
        self.played += 1
        return reply


class RecordingModel:
    """The `Model` port in front of a real model, whose answers it notes. Asked the same again, the latest answer stays.

    Attributes:
        recorded: what was said so far, without secrets.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self.recorded = Cassette()

    async def reply(self, prompt: Prompt) -> Reply:
        """As the port says."""
        reply = await self._model.reply(prompt)
        exchange = self.recorded.asked(prompt, reply)
        self.recorded.exchanges[self.recorded.key(exchange)] = exchange
        return reply


@contextmanager
def cassette(path: Path, *, record: Model | None = None) -> Generator[CassetteModel | RecordingModel]:
    """Yield a model that plays a file, or one that records it anew.

    Args:
        path: the file. Recorded, it is written when the block ends without an error, and replaces what was there.
        record: the model to ask; None plays.

    Raises:
        ConfigurationError: there is nothing to play.
    """
    if record is None:
        yield CassetteModel(Cassette.read(path))
        return
    recording = RecordingModel(record)
    yield recording
    recording.recorded.write(path)


def refuse_cassette(model: Model) -> None:
    """Refuse a worker whose answers come from a file, or go into one.

    Raises:
        ConfigurationError: they do.
    """
    if isinstance(model, CassetteModel | RecordingModel):
        raise ConfigurationError(
            f"{type(model).__name__} in a worker: cassettes are for tests and `pointsman evaluate`; "
            "give it a model behind an endpoint"
        )
