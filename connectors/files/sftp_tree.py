"""A folder behind SFTP, over one SSH connection that is made when it is needed and again when it is lost."""

import asyncio
import contextlib
import stat
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from connectors.errors import ActionError, FailedError, InDoubtError, NotSentError
from connectors.files.sftp_login import SftpLogin
from connectors.files.ssh import connect
from connectors.files.tree import Entry, ExistsError, Listing, MissingError, Path

if TYPE_CHECKING:
    import asyncssh

Result = TypeVar("Result")

_CODES: Final = {
    "SFTPPermissionDenied": "permission_denied",
    "SFTPWriteProtect": "permission_denied",
    "SFTPNoSpaceOnFilesystem": "no_space",
    "SFTPQuotaExceeded": "no_space",
    "SFTPInvalidFilename": "invalid_name",
    "SFTPLinkLoop": "not_a_file",
    "SFTPFileIsADirectory": "not_a_file",
    "SFTPNotADirectory": "not_a_file",
    # What version 3 of the protocol, which OpenSSH speaks, says of all else: a full disk, another file system, …
    "SFTPFailure": "storage_refused",
    "SFTPOpUnsupported": "storage_refused",
}
_LOGIN_SHARE: Final = 0.5
"""Share of an operation's time that a new connection may take."""
_GOODBYE_S: Final = 5
_FOLDERS_REMEMBERED: Final = 1000
"""How many folders are known to be no links, for as long as the connection lasts."""


@asynccontextmanager
async def open_sftp(login: SftpLogin, *, timeout_s: float) -> AsyncGenerator["SftpTree"]:
    """Open a folder on a server; connects with the first operation, ends the connection at the end.

    Args:
        login: where and as whom.
        timeout_s: for one operation, a connection included.
    """
    tree = SftpTree(login, timeout_s)
    try:
        yield tree
    finally:
        await tree.close()


class SftpTree:
    """A `Tree` behind SFTP. Get one from `open_sftp`. Operations of all actions share one connection and one channel."""

    def __init__(self, login: SftpLogin, timeout_s: float) -> None:
        """Use `open_sftp`."""
        self._login = login
        self._timeout_s = timeout_s
        self._connecting = asyncio.Lock()
        self._session: _Session | None = None

    async def read(self, path: Path, most: int) -> bytes | None:
        """See `Tree`."""
        try:
            return await self._run(lambda session: session.read(path, most), path)
        except MissingError:
            return None

    async def create(self, path: Path, content: bytes) -> None:
        """See `Tree`."""
        await self._run(lambda session: session.create(path, content), path)

    async def make_folder(self, path: Path) -> None:
        """See `Tree`."""
        await self._run(lambda session: session.make_folder(path), path)

    async def move(self, source: Path, target: Path) -> None:
        """See `Tree`."""
        await self._run(lambda session: session.move(source, target), source)

    async def remove(self, path: Path) -> None:
        """See `Tree`."""
        try:
            await self._run(lambda session: session.remove(path), path)
        except MissingError:
            return

    async def list(self, folder: Path, most: int) -> Listing:
        """See `Tree`."""
        return await self._run(lambda session: session.list(folder, most), folder)

    async def close(self) -> None:
        """End the connection; the next operation would make a new one."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _run(self, work: Callable[["_Session"], Awaitable[Result]], path: Path) -> Result:
        import asyncssh

        where = "/".join(path) or "."
        session = await self._connected()
        try:
            async with asyncio.timeout(self._timeout_s):
                return await work(session)
        except TimeoutError as error:
            # A server that is silent is left alone, so that the next operation does not wait behind this one.
            await self._dropped(session)
            raise InDoubtError(f"{where}: no answer within {self._timeout_s:g} s") from error
        except (
            asyncssh.SFTPNoConnection,
            asyncssh.SFTPConnectionLost,
            asyncssh.DisconnectError,
            OSError,
        ) as error:
            await self._dropped(session)
            raise InDoubtError(f"{where}: connection lost ({type(error).__name__})") from error
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath) as error:
            raise MissingError(where) from error
        except asyncssh.SFTPFileAlreadyExists as error:
            raise ExistsError(where) from error
        except asyncssh.SFTPError as error:
            raise _refusal(where, error) from error

    async def _connected(self) -> "_Session":
        """Return the session; opens one where there is none, for all who wait at once."""
        within_s = self._timeout_s * _LOGIN_SHARE
        try:
            async with asyncio.timeout(within_s), self._connecting:
                if self._session is None or self._session.is_closed():
                    self._session = None
                    self._session = await _Session.opened(self._login, within_s)
                return self._session
        except TimeoutError as error:
            raise NotSentError(f"{self._login.host}: no SSH connection within {within_s:g} s") from error

    async def _dropped(self, session: "_Session") -> None:
        if self._session is session:
            self._session = None
        session.abort()


class _Session:
    """One connection with its SFTP channel; raises what asyncssh raises, and what `Tree` names."""

    def __init__(
        self, connection: "asyncssh.SSHClientConnection", client: "asyncssh.SFTPClient", root: str
    ) -> None:
        self._connection = connection
        self._client = client
        self._root = root.rstrip("/")
        self._inside: set[Path] = {()}

    @classmethod
    async def opened(cls, login: SftpLogin, within_s: float) -> "_Session":
        import asyncssh

        connection = await connect(login, within_s)
        try:
            client = await connection.start_sftp_client()
            return cls(connection, client, str(await client.realpath(login.root)))
        except (asyncssh.Error, OSError) as error:
            connection.abort()
            why = f"the server offers no SFTP, or not the folder {login.root} ({type(error).__name__})"
            raise NotSentError(f"{login.host}: {why}") from error
        except BaseException:
            connection.abort()
            raise

    def is_closed(self) -> bool:
        return bool(self._connection.is_closed())

    def abort(self) -> None:
        self._connection.abort()

    async def close(self) -> None:
        self._connection.close()
        try:
            async with asyncio.timeout(_GOODBYE_S):
                await self._connection.wait_closed()
        except TimeoutError:
            self._connection.abort()

    async def read(self, path: Path, most: int) -> bytes:
        found = await self._client.lstat(await self._place(path))
        if not stat.S_ISREG(found.permissions or 0):
            raise FailedError(f"{path[-1]} is no regular file", code="not_a_file")
        if (found.size or 0) > most:
            raise FailedError(f"{path[-1]} has more than {most} bytes", code="too_large")
        async with self._client.open(await self._place(path), "rb") as file:
            content = await file.read(most + 1)
        if len(content) > most:
            raise FailedError(f"{path[-1]} has more than {most} bytes", code="too_large")
        return bytes(content)

    async def create(self, path: Path, content: bytes) -> None:
        import asyncssh

        place = await self._place(path)
        try:
            file = await self._client.open(place, "xb")
        except asyncssh.SFTPFailure as error:
            if await self._is_there(place):
                raise ExistsError(place) from error
            raise
        async with file:
            await file.write(content)
            # An extension of OpenSSH's; other servers decide themselves when they write to their disks.
            with contextlib.suppress(asyncssh.SFTPOpUnsupported):
                await file.fsync()

    async def make_folder(self, path: Path) -> None:
        import asyncssh

        place = await self._place(path)
        try:
            await self._client.mkdir(place)
        except (asyncssh.SFTPFailure, asyncssh.SFTPFileAlreadyExists, asyncssh.SFTPPermissionDenied):
            if not await self._client.isdir(place):
                raise

    async def move(self, source: Path, target: Path) -> None:
        import asyncssh

        # The plain request, which by the protocol fails where the target is there; the extension would replace it.
        place = await self._place(target)
        try:
            await self._client.rename(await self._place(source), place)
        except asyncssh.SFTPFailure as error:
            if await self._is_there(place):
                raise ExistsError(place) from error
            raise

    async def remove(self, path: Path) -> None:
        await self._client.remove(await self._place(path))

    async def list(self, folder: Path, most: int) -> Listing:
        found: list[Entry] = []
        complete = True
        async for each in self._client.scandir(await self._place((*folder, ""))):
            name = str(each.filename)
            if name.startswith(".") or not stat.S_ISREG(each.attrs.permissions or 0):
                continue
            if len(found) == most:
                complete = False
                break
            found.append(Entry(name, each.attrs.size or 0, int(each.attrs.mtime or 0)))
        return Listing(tuple(sorted(found, key=lambda each: each.name)), complete)

    async def _is_there(self, place: str) -> bool:
        import asyncssh

        try:
            await self._client.lstat(place)
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
            return False
        return True

    async def _place(self, path: Path) -> str:
        """Return the server's name of a path, whose folder was seen to be below the root."""
        folder = path[:-1]
        if folder not in self._inside:
            named = "/".join((self._root, *folder))
            if str(await self._client.realpath(named)) != named:
                raise FailedError(f"{'/'.join(folder)} is a link, not a folder", code="not_a_file")
            if len(self._inside) >= _FOLDERS_REMEMBERED:
                self._inside.clear()
            self._inside.add(folder)
        return "/".join((self._root, *path))


def _refusal(where: str, error: "asyncssh.SFTPError") -> ActionError:
    code = _CODES.get(type(error).__name__)
    said = f"{where}: the server refused ({type(error).__name__.removeprefix('SFTP')})"
    return InDoubtError(said) if code is None else FailedError(said, code=code)
