"""Putting a file where others take it away from, whole and once for a key, although it may be gone when we look again.

Beside the file's place there is a folder `.pointsman/<key>`, where an attempt

1. writes the whole content under a name of its own (`<attempt>.part`);
2. writes down which attempt is the one that counts (`chosen`; moved there, so that exactly one can be);
3. moves that attempt's part to the file's name. A move is atomic and consumes the part.

So whoever comes again with the key knows: no `chosen` - nobody has begun to publish; `chosen` and its part - not published
yet; `chosen` without its part - published, whether the file still waits there or somebody has taken it. Attempts at the
same time, even of several processes, are one as well: only the chosen part can be moved, and only once.

What was chosen stays chosen: where the same call comes again and its template has been changed meanwhile, what the first
attempt wrote is what is published.
"""

import contextlib
import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from connectors.errors import ActionError, BusyError, FailedError, InDoubtError, NotSentError
from connectors.files.tree import ExistsError, MissingError, Path, Tree

STAGING: Final = ".pointsman"
"""The folder for attempts and receipts, beside the files themselves."""
_CHOSEN: Final = "chosen"
_CHOSEN_LIMIT: Final = 4096
_LEFTOVERS: Final = 100
_LOOKS: Final = 3


class Published(BaseModel):
    """What has been published.

    Attributes:
        name: the file's.
        size: in bytes.
        sha256: of its content, in hexadecimal.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    size: int
    sha256: str


class _Chosen(Published):
    part: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Publication:
    """What is to be published.

    Attributes:
        folder: where others take it from; it exists.
        name: the file's.
        content: the whole of it.
        key: what names this publication; see `names.key_name`.
        arguments: digest of what it was made of; the same key with others is another decision, and a conflict.
    """

    folder: Path
    name: str
    content: bytes
    key: str
    arguments: str

    @property
    def staging(self) -> Path:
        """The folder of this key's attempts."""
        return (*self.folder, STAGING, self.key)

    @property
    def said(self) -> Published:
        """What it says of itself once it is published."""
        return Published(name=self.name, size=len(self.content), sha256=digest(self.content))


def digest(content: bytes) -> str:
    """Return the SHA-256 of a content in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


async def publish(tree: Tree, publication: Publication) -> Published:
    """Publish a file, once for its key; called again with the same publication it does nothing more.

    Raises:
        NotSentError: it broke off before anything could be seen.
        InDoubtError: it broke off when the file was given its name; the same call again finds out.
        FailedError: `conflict`: another file has the name, or the key has published what other arguments say; nothing was
            changed.
    """
    chosen = await _prepared(tree, publication)
    if chosen is None:
        return publication.said
    if chosen.arguments != publication.arguments:
        raise FailedError(
            f"this call has published {chosen.name} before, with other arguments", code="conflict"
        )
    await _reveal(tree, publication, chosen)
    # What lost attempts left is rubbish from here on; that it cannot be removed changes nothing.
    with contextlib.suppress(ActionError, MissingError):
        await _sweep(tree, publication)
    return Published(name=chosen.name, size=chosen.size, sha256=chosen.sha256)


async def _prepared(tree: Tree, publication: Publication) -> _Chosen | None:
    """Return which attempt counts, of this call or of an earlier one; None where the very file is there already."""
    try:
        chosen = await _read_chosen(tree, publication)
        if chosen is not None:
            return chosen
        if await _is_there(tree, publication):
            return None
        return await _choose(tree, publication)
    except InDoubtError as error:
        # All of it was in our own folder: nobody else saw anything, and the same call again goes on from there.
        raise NotSentError(f"{publication.name}: not published: {error}") from error
    except MissingError as error:
        raise FailedError(
            f"folder {'/'.join(publication.folder) or '.'} is not there", code="no_such_folder"
        ) from error


async def _is_there(tree: Tree, publication: Publication) -> bool:
    present = await _digest_at(tree, publication.folder, publication.said)
    if present not in {None, publication.said.sha256}:
        raise FailedError(f"{publication.name} is there already, with another content", code="conflict")
    return present is not None


async def _digest_at(tree: Tree, folder: Path, wanted: Published) -> str | None:
    """Return the digest of the file that has the wanted one's name; of a longer one an empty text."""
    try:
        content = await tree.read((*folder, wanted.name), wanted.size)
    except FailedError as error:
        if error.code == "too_large":
            return ""
        raise
    return None if content is None else digest(content)


async def _read_chosen(tree: Tree, publication: Publication) -> _Chosen | None:
    written = await tree.read((*publication.staging, _CHOSEN), _CHOSEN_LIMIT)
    if written is None:
        return None
    try:
        return _Chosen.model_validate_json(written)
    except ValidationError:
        where = "/".join((*publication.staging, _CHOSEN))
        raise FailedError(
            f"{where} is damaged: look whether the file was sent, then remove it", code="damaged"
        ) from None


async def _choose(tree: Tree, publication: Publication) -> _Chosen:
    staging = publication.staging
    await tree.make_folder(staging[:-1])
    await tree.make_folder(staging)
    attempt = secrets.token_hex(8)
    chosen = _Chosen(part=f"{attempt}.part", arguments=publication.arguments, **publication.said.model_dump())
    part, proposal = (*staging, chosen.part), (*staging, f"{attempt}.{_CHOSEN}")
    try:
        await tree.create(part, publication.content)
        await tree.create(proposal, chosen.model_dump_json().encode())
    except FailedError:
        # Half of it may lie there, on a disk that is full.
        with contextlib.suppress(ActionError):
            await tree.remove(part)
            await tree.remove(proposal)
        raise
    try:
        await tree.move(proposal, (*staging, _CHOSEN))
    except (ExistsError, MissingError):
        # Another attempt was faster, and has perhaps swept ours away.
        other = await _read_chosen(tree, publication)
        if other is None:
            raise BusyError(f"{publication.name}: another attempt is giving up") from None
        return other
    return chosen


async def _reveal(tree: Tree, publication: Publication, chosen: _Chosen) -> None:
    part = (*publication.staging, chosen.part)
    for _ in range(_LOOKS):
        try:
            await tree.move(part, (*publication.folder, chosen.name))
        except MissingError:
            if await _read_chosen(tree, publication) == chosen:
                return  # it was published before
            break  # another attempt met a conflict, and took its word back
        except ExistsError:
            present = await _digest_at(tree, publication.folder, chosen)
            if present is None:
                continue  # it was taken away in this moment
            if present == chosen.sha256:
                await tree.remove(part)
                return
            # In this order: a receipt without its part would say that it was published.
            await tree.remove((*publication.staging, _CHOSEN))
            await tree.remove(part)
            raise FailedError(
                f"{chosen.name} is there already, with another content", code="conflict"
            ) from None
        else:
            return
    raise BusyError(f"{publication.name}: others come and go under this name; nothing was published")


async def _sweep(tree: Tree, publication: Publication) -> None:
    for entry in (await tree.list(publication.staging, _LEFTOVERS)).entries:
        if entry.name != _CHOSEN:
            await tree.remove((*publication.staging, entry.name))
