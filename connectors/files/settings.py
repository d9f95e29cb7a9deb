"""A section of the configuration that uses the kind `files`."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from connectors.files.edifact import EdifactContent
from connectors.files.fields import Fields
from connectors.files.names import folder_path
from connectors.files.plain import CsvContent, Encoding, JsonContent, TextContent
from connectors.files.sftp_login import SftpLogin
from connectors.files.x12 import X12Content


def _folder(folder: str) -> str:
    return "/".join(folder_path(folder))


Folder = Annotated[str, Field(max_length=500), AfterValidator(_folder)]
Verb = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
Schema = dict[str, Any]
Content = Annotated[
    EdifactContent | X12Content | JsonContent | CsvContent | TextContent, Field(discriminator="format")
]


class _Action(BaseModel):
    """What every action says.

    Attributes:
        description: one sentence for the model.
        constraints: rules in words, for the model.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: Annotated[str, Field(min_length=1)]
    constraints: tuple[str, ...] = ()


class _Named(_Action):
    """An action on one file, named by its arguments.

    Attributes:
        folder: below the root.
        name: a template for the file's name, such as `order-{order_id}.edi`; its arguments must be required ones.
        arguments: JSON Schema of an object; every property has a description.
        protected: arguments that must match a trusted value.
    """

    folder: Folder = ""
    name: Annotated[str, Field(min_length=1, max_length=200)]
    arguments: Schema
    protected: frozenset[str] = frozenset()


class WriteAction(_Named):
    """Write a file, whole and once for a key.

    Attributes:
        kind: `write`.
        content: what the file says.
        undo: the verb of a `remove` that withdraws it.
        find: the verb of a `find` that looks for it.
        outward: whether somebody outside reads it.
        examples: example arguments.
    """

    kind: Literal["write"]
    content: Content
    undo: Verb | None = None
    find: Verb | None = None
    outward: bool = True
    examples: tuple[dict[str, Any], ...] = ()


class FindAction(_Action):
    """Look whether a written file still waits; null where it does not.

    Attributes:
        kind: `find`.
        of: the verb of the `write`.
    """

    kind: Literal["find"]
    of: Verb


class RemoveAction(_Action):
    """Withdraw a written file that nobody has taken: it is moved, not deleted.

    Attributes:
        kind: `remove`.
        of: the verb of the `write`.
        into: the folder it is moved to, on the same file system.
    """

    kind: Literal["remove"]
    of: Verb
    into: Folder = "withdrawn"


class Reading(BaseModel):
    """What is made of a file that is read.

    Attributes:
        format: how it is written.
        fields: of EDI: names, each with the path of its value; all segments by default.
        delimiter: of CSV.
        encoding: of CSV and text.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["edifact", "x12", "json", "csv", "text"] = "text"
    fields: Fields | None = None
    delimiter: Literal[",", ";", "\t", "|"] = ","
    encoding: Encoding = "utf-8"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.fields is not None and self.format not in {"edifact", "x12"}:
            raise PydanticCustomError("fields", "`fields` are for edifact and x12")
        return self


class ReadAction(_Named):
    """Read a file, and leave it where it is; null where there is none.

    Attributes:
        kind: `read`.
        content: what is made of it.
    """

    kind: Literal["read"]
    content: Reading = Reading()


class TakeAction(_Named):
    """Read a file and move it out of the way, once: what cannot be read stays.

    Attributes:
        kind: `take`.
        content: what is made of it.
        into: the folder it is moved to, on the same file system.
    """

    kind: Literal["take"]
    content: Reading = Reading()
    into: Folder = "taken"


class ListAction(_Action):
    """List the files of a folder.

    Attributes:
        kind: `list`.
        folder: below the root.
        pattern: which names, such as `*.edi`.
    """

    kind: Literal["list"]
    folder: Folder = ""
    pattern: Annotated[str, Field(min_length=1, max_length=200)] = "*"


FileAction = Annotated[
    WriteAction | FindAction | RemoveAction | ReadAction | TakeAction | ListAction,
    Field(discriminator="kind"),
]


class FilesSettings(BaseModel):
    """A section of the configuration.

    Attributes:
        folder: of this machine, mounted or not; in place of `sftp`.
        sftp: a server; in place of `folder`.
        timeout_s: for one operation on a file, a connection included; an action needs several.
        file_bytes: the largest file that is written or read.
        listing: the most files that one listing names.
        actions: by verb.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path | None = None
    sftp: SftpLogin | None = None
    timeout_s: Annotated[float, Field(gt=0, le=300)] = 20.0
    file_bytes: Annotated[int, Field(ge=1, le=1 << 28)] = 1 << 20
    listing: Annotated[int, Field(ge=1, le=100_000)] = 1000
    actions: Annotated[dict[Verb, FileAction], Field(min_length=1)]

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if (self.folder is None) == (self.sftp is None):
            raise PydanticCustomError("place", "needs either `folder` or `sftp`")
        return self
