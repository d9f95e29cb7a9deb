"""One SSH connection with an SFTP channel, and what is asked on it."""

import asyncio
import contextlib
import stat
from typing import TYPE_CHECKING, Final

from connectors.errors import FailedError, NotSentError
from connectors.files.sftp_login import SftpLogin
from connectors.files.ssh import connect
from connectors.files.tree import Entry, ExistsError, Listing, Path, is_listed

if TYPE_CHECKING:
    import asyncssh

_REQUESTS: Final = 1
"""Parts of a file on their way at once: asyncssh forgets the errors of all but the first, and asyncio logs them."""
_GOODBYE_S: Final = 5
_FOLDERS_REMEMBERED: Final = 1000
"""How many folders are known to be no links, for as long as the connection lasts."""


class SftpSession:
    """One connection with its SFTP channel. Operations are those of `Tree`; beside what `Tree` names they raise what asyncssh raises."""

    def __init__(
        self, connection: "asyncssh.SSHClientConnection", client: "asyncssh.SFTPClient", root: str
    ) -> None:
        self._connection = connection
        self._client = client
        self._root = root.rstrip("/")
        self._inside: set[Path] = {()}

    @classmethod
    async def opened(cls, login: SftpLogin, within_s: float) -> "SftpSession":
        """Return a new session.

        Raises:
            NotSentError: as `ssh.connect` does, or the server offers no SFTP.
            FailedError: as `ssh.connect` does.
        """
        import asyncssh

        connection = await connect(login, within_s)
        try:
            client = await connection.start_sftp_client(path_errors="surrogateescape")
            return cls(connection, client, str(await client.realpath(login.root)))
        except (asyncssh.Error, OSError) as error:
            connection.abort()
            why = f"the server offers no SFTP, or not the folder {login.root} ({type(error).__name__})"
            raise NotSentError(f"{login.host}: {why}") from error
        except BaseException:
            connection.abort()
            raise

    def is_closed(self) -> bool:
        """Say whether it is known to be lost."""
        return bool(self._connection.is_closed())

    def abort(self) -> None:
        """End it at once."""
        self._connection.abort()

    async def close(self) -> None:
        """End it, within a bound of time."""
        self._connection.close()
        try:
            async with asyncio.timeout(_GOODBYE_S):
                await self._connection.wait_closed()
        except TimeoutError:
            self._connection.abort()

    async def read(self, path: Path, most: int) -> bytes:
        """See `Tree`; raises asyncssh's SFTPNoSuchFile where there is none."""
        found = await self._client.lstat(await self._place(path))
        if not stat.S_ISREG(found.permissions or 0):
            raise FailedError(f"{path[-1]} is no regular file", code="not_a_file")
        if (found.size or 0) > most:
            raise FailedError(f"{path[-1]} has more than {most} bytes", code="too_large")
        async with self._client.open(await self._place(path), "rb", max_requests=_REQUESTS) as file:
            content = await file.read(most + 1)
        if len(content) > most:
            raise FailedError(f"{path[-1]} has more than {most} bytes", code="too_large")
        return bytes(content)

    async def create(self, path: Path, content: bytes) -> None:
        """See `Tree`."""
        import asyncssh

        place = await self._place(path)
        try:
            file = await self._client.open(place, "xb", max_requests=_REQUESTS)
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
        """See `Tree`."""
        import asyncssh

        place = await self._place(path)
        try:
            await self._client.mkdir(place)
        except (asyncssh.SFTPFailure, asyncssh.SFTPFileAlreadyExists, asyncssh.SFTPPermissionDenied):
            if not await self._client.isdir(place):
                raise

    async def move(self, source: Path, target: Path) -> None:
        """See `Tree`."""
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
        """See `Tree`; raises asyncssh's SFTPNoSuchFile where there is none."""
        await self._client.remove(await self._place(path))

    async def list(self, folder: Path, most: int) -> Listing:
        """See `Tree`."""
        found: list[Entry] = []
        complete = True
        async for each in self._client.scandir(await self._place((*folder, ""))):
            name = str(each.filename)
            if not is_listed(name) or not stat.S_ISREG(each.attrs.permissions or 0):
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
