"""A folder of this machine, or one that is mounted. Folders are opened one by one, so that no link leads out of the root."""

import asyncio
import errno
import os
import stat
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path as FilePath
from typing import Final, TypeVar

from connectors.errors import ActionError, FailedError, InDoubtError, NotSentError
from connectors.files.deadline import Deadline
from connectors.files.no_replace import rename_no_replace
from connectors.files.tree import Entry, ExistsError, Listing, MissingError, Path, is_listed

Result = TypeVar("Result")

_CODES: Final = {
    errno.EACCES: "permission_denied",
    errno.EPERM: "permission_denied",
    errno.EROFS: "permission_denied",
    errno.ENOSPC: "no_space",
    errno.EDQUOT: "no_space",
    errno.EFBIG: "too_large",
    errno.ELOOP: "not_a_file",
    errno.ENOTDIR: "not_a_file",
    errno.EISDIR: "not_a_file",
    errno.EXDEV: "other_file_system",
    errno.ENAMETOOLONG: "invalid_name",
}
_NO_FOLDER_SYNC: Final = frozenset((errno.EINVAL, errno.EOPNOTSUPP, errno.EBADF))
"""What file systems say that cannot sync a folder, such as some behind a network."""
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@asynccontextmanager
async def open_local(root: FilePath, *, timeout_s: float, threads: int = 8) -> AsyncGenerator["LocalTree"]:
    """Open a folder; it is looked for at each operation, so a mount may come and go.

    Args:
        root: the folder.
        timeout_s: for one operation. One that takes longer, as on a mount that hangs, goes on in its thread.
        threads: operations at once.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="files")
    try:
        yield LocalTree(root, pool, Deadline(timeout_s))
    finally:
        # Not waited for: a mount that hangs must not keep a worker from ending.
        pool.shutdown(wait=False, cancel_futures=True)


class LocalTree:
    """A `Tree` in a folder of this machine. Get one from `open_local`."""

    def __init__(self, root: FilePath, pool: ThreadPoolExecutor, deadline: Deadline) -> None:
        """Use `open_local`."""
        self._root = root
        self._pool = pool
        self._deadline = deadline

    def within(self, seconds: float) -> "LocalTree":
        """See `Tree`."""
        return LocalTree(self._root, self._pool, self._deadline.within(seconds))

    async def read(self, path: Path, most: int) -> bytes | None:
        """See `Tree`."""
        try:
            return await self._run(lambda: self._read(path, most), path)
        except MissingError:
            return None

    async def create(self, path: Path, content: bytes) -> None:
        """See `Tree`."""
        await self._run(lambda: self._create(path, content), path)

    async def make_folder(self, path: Path) -> None:
        """See `Tree`."""
        await self._run(lambda: self._make_folder(path), path)

    async def move(self, source: Path, target: Path) -> None:
        """See `Tree`."""
        await self._run(lambda: self._move(source, target), source)

    async def remove(self, path: Path) -> None:
        """See `Tree`."""
        try:
            await self._run(lambda: self._remove(path), path)
        except MissingError:
            return

    async def list(self, folder: Path, most: int) -> Listing:
        """See `Tree`."""
        return await self._run(lambda: self._list(folder, most), folder)

    async def _run(self, work: Callable[[], Result], path: Path) -> Result:
        where = "/".join(path) or "."
        left_s = self._deadline.left_s(where)
        try:
            async with asyncio.timeout(left_s):
                return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        except TimeoutError as error:
            raise InDoubtError(f"{where}: no answer within {left_s:.1f} s") from error
        except FileExistsError as error:
            raise ExistsError(where) from error
        except FileNotFoundError as error:
            raise MissingError(where) from error
        except OSError as error:
            raise _refusal(where, error) from error

    @contextmanager
    def _opened(self, folder: Path) -> Generator[int]:
        try:
            fd = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise NotSentError(
                f"the root folder cannot be opened: {os.strerror(error.errno or 0)}"
            ) from error
        try:
            for name in folder:
                inner = os.open(name, _FOLDER, dir_fd=fd)
                os.close(fd)
                fd = inner
            yield fd
        finally:
            os.close(fd)

    def _read(self, path: Path, most: int) -> bytes:
        with self._opened(path[:-1]) as folder:
            # Without O_NONBLOCK, opening a pipe would wait for whoever writes to it.
            fd = os.open(path[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
            with os.fdopen(fd, "rb") as file:
                if not stat.S_ISREG(os.fstat(fd).st_mode):
                    raise FailedError(f"{path[-1]} is no regular file", code="not_a_file")
                content = file.read(most + 1)
        if len(content) > most:
            raise FailedError(f"{path[-1]} has more than {most} bytes", code="too_large")
        return content

    def _create(self, path: Path, content: bytes) -> None:
        with self._opened(path[:-1]) as folder:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(path[-1], flags, 0o666, dir_fd=folder), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            _sync_folder(folder)

    def _make_folder(self, path: Path) -> None:
        with self._opened(path[:-1]) as folder:
            try:
                os.mkdir(path[-1], dir_fd=folder)
            except FileExistsError:
                os.close(os.open(path[-1], _FOLDER, dir_fd=folder))  # raises where it is no folder
            else:
                _sync_folder(folder)

    def _move(self, source: Path, target: Path) -> None:
        with self._opened(source[:-1]) as source_fd, self._opened(target[:-1]) as target_fd:
            rename_no_replace(source[-1], target[-1], source_fd=source_fd, target_fd=target_fd)
            try:
                _sync_folder(target_fd)
                _sync_folder(source_fd)
            except OSError as error:
                raise InDoubtError(f"{target[-1]}: moved, and {os.strerror(error.errno or 0)}") from error

    def _remove(self, path: Path) -> None:
        with self._opened(path[:-1]) as folder:
            os.unlink(path[-1], dir_fd=folder)

    def _list(self, folder: Path, most: int) -> Listing:
        found: list[Entry] = []
        with self._opened(folder) as fd, os.scandir(fd) as entries:
            for each in entries:
                if not is_listed(each.name) or not each.is_file(follow_symlinks=False):
                    continue
                if len(found) == most:
                    return Listing(_sorted(found), complete=False)
                seen = each.stat(follow_symlinks=False)
                found.append(Entry(each.name, seen.st_size, int(seen.st_mtime)))
        return Listing(_sorted(found), complete=True)


def _sync_folder(fd: int) -> None:
    """Have a folder's names written to the disk, where its file system can."""
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise


def _sorted(found: list[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(found, key=lambda each: each.name))


def _refusal(where: str, error: OSError) -> ActionError:
    code = _CODES.get(error.errno or 0)
    said = f"{where}: {os.strerror(error.errno or 0)}"
    # A mount that is stale or a disk that errs may have done it all the same.
    return InDoubtError(said) if code is None else FailedError(said, code=code)
