"""A folder behind SFTP, over one SSH connection that is made when it is needed and again when it is lost."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from connectors.errors import ActionError, FailedError, InDoubtError, NotSentError
from connectors.files.deadline import Deadline
from connectors.files.sftp_login import SftpLogin
from connectors.files.sftp_session import SftpSession
from connectors.files.tree import ExistsError, Listing, MissingError, Path

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
"""Share of the time for an operation that a new connection may take."""


@asynccontextmanager
async def open_sftp(login: SftpLogin, *, timeout_s: float) -> AsyncGenerator["SftpTree"]:
    """Open a folder on a server; connects with the first operation, ends the connection at the end.

    Args:
        login: where and as whom.
        timeout_s: for one operation, a connection included.
    """
    line = _Line(login)
    try:
        yield SftpTree(line, Deadline(timeout_s))
    finally:
        await line.close()


class SftpTree:
    """A `Tree` behind SFTP. Get one from `open_sftp`. Operations of all actions share one connection and one channel."""

    def __init__(self, line: "_Line", deadline: Deadline) -> None:
        """Use `open_sftp`."""
        self._line = line
        self._deadline = deadline

    def within(self, seconds: float) -> "SftpTree":
        """See `Tree`."""
        return SftpTree(self._line, self._deadline.within(seconds))

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

    async def _run(self, work: Callable[[SftpSession], Awaitable[Result]], path: Path) -> Result:
        import asyncssh

        where = "/".join(path) or "."
        left_s = self._deadline.left_s(where)
        session = await self._line.session(left_s * _LOGIN_SHARE)
        try:
            async with asyncio.timeout(self._deadline.left_s(where)):
                return await work(session)
        except TimeoutError as error:
            # A server that is silent is left alone, so that the next operation does not wait behind this one.
            self._line.drop(session)
            raise InDoubtError(f"{where}: no answer within {left_s:.1f} s") from error
        except (
            asyncssh.SFTPNoConnection,
            asyncssh.SFTPConnectionLost,
            asyncssh.DisconnectError,
            OSError,
        ) as error:
            self._line.drop(session)
            raise InDoubtError(f"{where}: connection lost ({type(error).__name__})") from error
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath) as error:
            raise MissingError(where) from error
        except asyncssh.SFTPFileAlreadyExists as error:
            raise ExistsError(where) from error
        except asyncssh.SFTPError as error:
            raise _refusal(where, error) from error


class _Line:
    """The session that all use, while it lasts."""

    def __init__(self, login: SftpLogin) -> None:
        self._login = login
        self._connecting = asyncio.Lock()
        self._session: SftpSession | None = None

    async def session(self, within_s: float) -> SftpSession:
        """Return the session; opens one where there is none, for all who wait at once."""
        try:
            async with asyncio.timeout(within_s), self._connecting:
                if self._session is None or self._session.is_closed():
                    self._session = None
                    self._session = await SftpSession.opened(self._login, within_s)
                return self._session
        except TimeoutError as error:
            raise NotSentError(f"{self._login.host}: no SSH connection within {within_s:.1f} s") from error

    def drop(self, session: SftpSession) -> None:
        """End a session, for all who use it."""
        if self._session is session:
            self._session = None
        session.abort()

    async def close(self) -> None:
        """End the session; the next operation would open a new one."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def _refusal(where: str, error: "asyncssh.SFTPError") -> ActionError:
    code = _CODES.get(type(error).__name__)
    said = f"{where}: the server refused ({type(error).__name__.removeprefix('SFTP')})"
    return InDoubtError(said) if code is None else FailedError(said, code=code)
