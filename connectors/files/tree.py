"""What files are kept in: a folder of this machine or one behind SFTP, as few operations that both can do atomically.

Paths are tuples of names below the root. Every operation raises, besides what it names:

- FailedError: the system refused (`permission_denied`, `no_space`, `not_a_file`, `storage_refused`, …);
- NotSentError: there was no connection to ask on;
- InDoubtError: it was asked, and no answer came: the operation may have been done, or be done later.
"""

from dataclasses import dataclass
from typing import Protocol

Path = tuple[str, ...]
"""Names below the root; the last one is a file's or a folder's."""


class MissingError(Exception):
    """There is nothing of that name."""


class ExistsError(Exception):
    """There is something of that name already; it was left as it is."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in a folder.

    Attributes:
        name: without its folder.
        size: in bytes.
        modified_at: seconds since 1970, by the system's clock.
    """

    name: str
    size: int
    modified_at: int


@dataclass(frozen=True, slots=True)
class Listing:
    """The regular files of a folder, by name.

    Attributes:
        entries: as many as were asked for at most.
        complete: whether these are all.
    """

    entries: tuple[Entry, ...]
    complete: bool


def is_listed(name: str) -> bool:
    """Say whether a listing names a file: it is not hidden, and its name is text (in UTF-8)."""
    return not name.startswith(".") and name.isprintable()  # what was no UTF-8 became surrogates


class Tree(Protocol):
    """Files below one root. No link is followed."""

    def within(self, seconds: float) -> "Tree":
        """Return the same files, for operations that must all have ended within so many seconds from now.

        One that would begin later raises NotSentError, one that takes longer InDoubtError.
        """
        ...

    async def read(self, path: Path, most: int) -> bytes | None:
        """Return a file's content, or None where there is none.

        Raises:
            FailedError: `too_large`: it has more than `most` bytes; `not_a_file`: it is a link or a folder.
        """
        ...

    async def create(self, path: Path, content: bytes) -> None:
        """Write a file that is not there yet, and have it written to the disk where the system can.

        Not atomic: a part of it may be seen, and may stay where this fails.

        Raises:
            ExistsError: the name is taken.
            MissingError: its folder is not there.
        """
        ...

    async def make_folder(self, path: Path) -> None:
        """Make a folder unless it is there.

        Raises:
            MissingError: the folder it is to be in is not there.
        """
        ...

    async def move(self, source: Path, target: Path) -> None:
        """Give a file another name, at once, and never in place of another one.

        Raises:
            MissingError: there is no such file.
            ExistsError: the target's name is taken; nothing was moved.
        """
        ...

    async def remove(self, path: Path) -> None:
        """Remove a file; none there is fine."""
        ...

    async def list(self, folder: Path, most: int) -> Listing:
        """Return the files of a folder that `is_listed` names.

        Raises:
            MissingError: there is no such folder.
        """
        ...
