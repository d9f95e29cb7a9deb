"""The port to a language model."""

from typing import Protocol

from consumers.router.exchange import Prompt, Reply


class Model(Protocol):
    """A language model behind an OpenAI-compatible endpoint."""

    async def reply(self, prompt: Prompt) -> Reply:
        """Ask once; retries of transient faults happen inside, within the configured time.

        Raises:
            RetryError: the endpoint is busy or unreachable; nothing was decided.
            DeadLetterError: the endpoint refuses this one prompt, and would again.
            HaltError: the endpoint refuses us (bad key, unknown model): asking again cannot help.
        """
        ...
