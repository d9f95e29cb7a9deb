"""The port of a model where the configuration has none: for routes whose plans decide everything."""

from consumers.errors import UnavailableError
from consumers.router.exchange import Prompt, Reply


class NoModel:
    """Implements `consumers.ports.model.Model`. Nobody answers: what would have to be asked waits, and nothing is lost.

    A checked configuration never asks. A run that the model had begun when there was one does.
    """

    async def reply(self, prompt: Prompt) -> Reply:
        """Raise UnavailableError."""
        del prompt
        raise UnavailableError("the run has to ask the model, and the configuration has no section `model`")

    async def aclose(self) -> None:
        """Nothing is open."""
