"""Moving a file to a folder of its own kind, once for a key: withdrawing what we published, taking what is meant for us."""

from dataclasses import dataclass

from connectors.errors import FailedError
from connectors.files.publishing import digest
from connectors.files.tree import ExistsError, MissingError, Path, Tree


@dataclass(frozen=True, slots=True)
class Move:
    """A file, and where it goes.

    Attributes:
        folder: where it is.
        name: the file's.
        into: the folder it goes to, on the same file system.
        key: what names this move; another one's file is never taken for ours.
    """

    folder: Path
    name: str
    into: Path
    key: str

    @property
    def source(self) -> Path:
        """Where it is."""
        return (*self.folder, self.name)

    @property
    def target(self) -> Path:
        """Where it goes: with the key in its name, so that nothing is there but by this move."""
        return (*self.into, f"{self.key}-{self.name}")


async def moved(tree: Tree, move: Move, most: int) -> bytes | None:
    """Return the content of the file that this move has moved before, or None.

    Raises:
        FailedError: as `Tree.read` does.
    """
    return await tree.read(move.target, most)


async def withdraw(tree: Tree, move: Move, *, sha256: str | None, most: int) -> bytes:
    """Move a file that nobody has taken yet, and return its content; called again with the same key, the same.

    Raises:
        FailedError: `already_taken`: it is gone; `conflict`: its content is not the one that was published. Nothing was
            moved.
    """
    content = await moved(tree, move, most)
    if content is not None:
        return content
    content = await tree.read(move.source, most)
    if content is None:
        raise FailedError(f"{move.name} is gone: it was taken already", code="already_taken")
    if sha256 is not None and digest(content) != sha256:
        raise FailedError(f"{move.name} has another content than what was written", code="conflict")
    return await carry_out(tree, move, content, gone="already_taken", most=most)


async def carry_out(tree: Tree, move: Move, content: bytes, *, gone: str, most: int) -> bytes:
    """Move a file of which this content was read, and return the content of what was moved.

    Args:
        tree: where it is.
        move: from where to where.
        content: what was read.
        gone: the code of the FailedError where somebody else was faster.
        most: bytes.
    """
    await _folder(tree, move.into)
    try:
        await tree.move(move.source, move.target)
    except (MissingError, ExistsError):
        before = await moved(tree, move, most)  # by another attempt at this call
        if before is None:
            raise FailedError(f"{move.name} is gone: somebody else was faster", code=gone) from None
        return before
    return content


async def _folder(tree: Tree, folder: Path) -> None:
    try:
        await tree.make_folder(folder)
    except MissingError:
        raise FailedError(f"folder {'/'.join(folder)} cannot be made", code="no_such_folder") from None
