"""The port to a worker's right to go on with a record."""

from typing import Protocol

from consumers.errors import RetryError


class HandedOverError(RetryError):
    """The record is to be left at this step: its partition is being handed over, or is no longer ours.

    Nothing is wrong with it. Whoever has the partition next goes on from the journal.
    """


class ClaimLostError(HandedOverError):
    """The partition may belong to another worker already: nothing more may be done or written for the record."""


class Claim(Protocol):
    """The right to work one record, while it lasts."""

    def enter(self, step: str) -> None:
        """Say which step begins, for whoever asks what a record waits for.

        Call it where stopping is free: nothing is lost and nothing is in doubt if the work ends here.

        Raises:
            HandedOverError: stop here.
        """
        ...

    def hold(self, step: str) -> None:
        """Say which effect begins. Unlike `enter`, it lets work go on that is only asked to stop.

        Raises:
            ClaimLostError: the partition may belong to another worker, so no effect may begin.
        """
        ...
