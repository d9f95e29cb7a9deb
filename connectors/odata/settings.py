"""The section of the configuration that describes one OData service."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from connectors.action import UndoByState
from connectors.http_auth import Auth
from connectors.http_settings import HttpSettings
from connectors.odata.edm import Version
from connectors.odata.filters import Operator

_CLOSED = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, populate_by_name=True)
Name = Annotated[str, StringConstraints(pattern=r"^[^\W\d]\w*$", max_length=128)]
"""A name of OData: letters, digits, underscores; it goes into paths and filters as it is."""
Qualified = Annotated[str, StringConstraints(pattern=r"^[^\W\d]\w*(\.[^\W\d]\w*)*$", max_length=500)]
_OWN_HEADERS: Final = frozenset(
    (
        *("accept", "accept-encoding", "authorization", "connection", "content-encoding", "content-length"),
        *("content-type", "cookie", "dataserviceversion", "expect", "host", "if-match", "if-none-match"),
        *("maxdataserviceversion", "odata-maxversion", "odata-version", "prefer", "repeatability-first-sent"),
        *("repeatability-request-id", "te", "trailer", "transfer-encoding", "upgrade", "x-csrf-token"),
        *("x-http-method", "x-http-method-override"),
    )
)
"""Headers that are the client's to set, or the connection's."""
Names = Annotated[tuple[Name, ...], Field(min_length=1, max_length=200)]


class _Said(BaseModel):
    """What every action says of itself.

    Attributes:
        description: one sentence for the model, in place of the one that is made up.
        protected: arguments that must match a trusted value.
        outward: whether it reaches people or systems outside.
        constraints: rules in words.
        examples: example arguments.
    """

    model_config = _CLOSED

    description: str | None = None
    protected: frozenset[str] = frozenset()
    outward: bool = False
    constraints: tuple[str, ...] = ()
    examples: tuple[dict[str, Any], ...] = ()


class Get(_Said):
    """Read one entity by its key."""

    do: Literal["get"]


class Query(_Said):
    """Read the entities that conditions select.

    Attributes:
        filter: which fields may be compared, and how.
        required: arguments that a query must give.
        order_by: fields that the answer may be sorted by.
    """

    do: Literal["query"]
    filter: dict[Name, Annotated[tuple[Operator, ...], Field(min_length=1)]] = Field(default_factory=dict)
    required: frozenset[str] = frozenset()
    order_by: tuple[Name, ...] = ()


class _Write(_Said):
    """What every write says.

    Attributes:
        repeatable: how long the service honours `Repeatability-Request-ID`, such as `24h`; None where it does not.
        compensate: full name of the action that undoes this one, or a state's read and the action for each state.
        reconcile: full name of a read that finds out whether it took effect, in place of the one that is made.
    """

    repeatable: str | None = None
    compensate: str | UndoByState | None = None
    reconcile: str | None = None


class Create(_Write):
    """Create an entity.

    Attributes:
        fields: what the model may set.
        required: what it must set; by default what the metadata says.
        deep: what is created with it, by navigation: the fields of each.
        bind: what it is bound to, by navigation: the entity set; v4 only.
        reference: a text property that gets our key and that nobody else sets, so that the entity can be found again.
    """

    do: Literal["create"]
    fields: Names
    required: frozenset[Name] | None = None
    deep: dict[Name, Names] = Field(default_factory=dict)
    bind: dict[Name, Name] = Field(default_factory=dict)
    reference: Name | None = None


class Update(_Write):
    """Change fields of one entity.

    Attributes:
        fields: what the model may set.
        bind: what it may be bound to, by navigation: the entity set; v4 only.
    """

    do: Literal["update"]
    fields: Names
    bind: dict[Name, Name] = Field(default_factory=dict)


class Delete(_Said):
    """Delete one entity: mostly to undo that it was created."""

    do: Literal["delete"]


class Operate(_Write):
    """Call an action or a function.

    Attributes:
        name: with or without its namespace.
        natural: whether calling it again changes nothing.
        read: whether it changes nothing at all although it is an action, or a POST of v2.
        done_when: values of the entity that say that it took effect, by field.
        undone_when: values that say that it did not; any other state is left to a person.
    """

    name: Qualified
    natural: bool = False
    read: bool = False


class CallOn(Operate):
    """Call an action or a function on one entity."""

    do: Literal["call"]
    done_when: dict[Name, tuple[str | int | bool, ...]] = Field(default_factory=dict)
    undone_when: dict[Name, tuple[str | int | bool, ...]] = Field(default_factory=dict)


EntityAction = Annotated[Get | Query | Create | Update | Delete | CallOn, Field(discriminator="do")]


class EntitySettings(BaseModel):
    """One entity set that may be used; what is not listed may not.

    Attributes:
        fields: what the model sees of an entity; the key is always among them.
        describe: descriptions of fields in place of the metadata's.
        expand: what may be read with it, by navigation: the fields of each.
        top: most entities of one answer.
        etag: whether changes need the ETag that was read; by default what the metadata says.
        actions: what may be done, by the verb it is called by.
    """

    model_config = _CLOSED

    fields: Names
    describe: dict[Name, str] = Field(default_factory=dict)
    expand: dict[Name, Names] = Field(default_factory=dict)
    top: Annotated[int, Field(ge=1, le=1_000)] = 50
    etag: bool | None = None
    actions: Annotated[dict[str, EntityAction], Field(min_length=1)]


class ODataSettings(HttpSettings):
    """A section that uses `odata`.

    Attributes:
        version: of the protocol.
        metadata: a copy of the service's `$metadata`, pinned beside the configuration.
        auth: how requests prove who sends them; None sends none.
        csrf: whether changes need a token that is fetched first (SAP Gateway).
        headers: further headers of every request, such as `sap-client`; no secrets.
        entities: by entity set.
        operations: unbound actions and functions, by the verb each is called by.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    version: Version = "v4"
    metadata: Path
    auth: Auth | None = None
    csrf: bool = False
    headers: dict[
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,100}$")],
        Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]([\x20-\x7e]{0,500}[\x21-\x7e])?$")],
    ] = Field(default_factory=dict)
    entities: dict[Name, EntitySettings] = Field(default_factory=dict)
    operations: dict[str, Operate] = Field(default_factory=dict)

    @field_validator("headers")
    @classmethod
    def _are_not_ours(cls, value: dict[str, str]) -> dict[str, str]:
        if taken := sorted(name for name in value if name.lower() in _OWN_HEADERS):
            raise PydanticCustomError(
                "header", "{names}: not for a configuration to set", {"names": ", ".join(taken)}
            )
        return value

    @model_validator(mode="after")
    def _does_something(self) -> "ODataSettings":
        if not self.entities and not self.operations:
            raise PydanticCustomError("empty", "list at least one of entities and operations")
        return self
