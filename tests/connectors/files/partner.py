"""A folder with a partner who takes files away, and a `Tree` whose operations one can stop at."""

from collections.abc import Awaitable, Callable
from pathlib import Path as FilePath
from typing import TypeVar

from connectors.files.tree import Listing, Path, Tree

Result = TypeVar("Result")
Gate = Callable[[bool], Awaitable[None]]
"""Called before and after each operation (False, True); whatever it raises, the caller of the operation sees."""


class LostError(BaseException):
    """The process that performed is gone."""


class Partner:
    """Takes every file from the folder that is not hidden, as partners do."""

    def __init__(self, folder: FilePath) -> None:
        self.folder = folder
        self.taken: list[bytes] = []

    def waiting(self) -> list[FilePath]:
        return sorted(each for each in self.folder.iterdir() if not each.name.startswith("."))

    def take(self) -> None:
        for each in self.waiting():
            self.taken.append(each.read_bytes())
            each.unlink()

    def seen(self) -> list[bytes]:
        """Return everything that was ever there to take."""
        return [*self.taken, *(each.read_bytes() for each in self.waiting())]


class GatedTree:
    """Another tree, with a gate before and after each operation."""

    def __init__(self, tree: Tree, gate: Gate) -> None:
        self._tree = tree
        self._gate = gate

    def within(self, seconds: float) -> "GatedTree":
        return GatedTree(self._tree.within(seconds), self._gate)

    async def read(self, path: Path, most: int) -> bytes | None:
        return await self._gated(lambda: self._tree.read(path, most))

    async def create(self, path: Path, content: bytes) -> None:
        await self._gated(lambda: self._tree.create(path, content))

    async def make_folder(self, path: Path) -> None:
        await self._gated(lambda: self._tree.make_folder(path))

    async def move(self, source: Path, target: Path) -> None:
        await self._gated(lambda: self._tree.move(source, target))

    async def remove(self, path: Path) -> None:
        await self._gated(lambda: self._tree.remove(path))

    async def list(self, folder: Path, most: int) -> Listing:
        return await self._gated(lambda: self._tree.list(folder, most))

    async def _gated(self, operation: Callable[[], Awaitable[Result]]) -> Result:
        await self._gate(False)
        result = await operation()
        await self._gate(True)
        return result
