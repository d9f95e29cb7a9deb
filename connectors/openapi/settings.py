"""The section of the configuration that describes one system by its OpenAPI document."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from connectors.action import Effect
from connectors.described import DescribedAction
from connectors.http_auth import CLOSED, Auth
from connectors.http_headers import HeaderName, check_header
from connectors.http_settings import HttpSettings
from connectors.openapi.page_settings import Pages

ArgumentName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]


class ArgumentSettings(BaseModel):
    """What the configuration says of one argument.

    Attributes:
        name: what the model, rules and other actions call it.
        description: in place of the document's.
        required: whether it must be given, although the document can do without; so that a look-up looks one thing up.
        value: what is always sent; the model neither sees nor sets it.
        hidden: whether it is left out.
    """

    model_config = CLOSED

    name: ArgumentName | None = None
    description: str | None = None
    required: bool = False
    value: Any = None
    hidden: bool = False

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        shown = self.name is not None or self.description is not None or self.required
        if shown + (self.value is not None) + self.hidden > 1:
            raise PydanticCustomError(
                "argument",
                "is shown (name, description, required), has a fixed value, or is hidden: say one of these",
            )
        return self


class OperationSettings(DescribedAction):
    """One operation that may be called; what is not listed may not.

    Attributes:
        id: its `operationId`, or method and path as `GET /orders/{id}`.
        effect: `read` or `write`; only a GET or HEAD is a read without saying so.
        description: in place of the document's.
        key_header: the header that carries the idempotency key; for `provider-key`.
        key_argument: the argument that carries it, where the system wants it in body or query.
        arguments: by the name that the import gave them.
        result_fields: paths of what the model sees of the answer, through lists as well; or a new name for each path. They
            are dotted (`customer.id`) or, with a slash in front, JSON pointers (`/@odata.id`).
            Where `pages` is given, of each item.
        pages: how the rest of a long list is had; for reads.
        absent: statuses by which a read says that there is no such thing: its result is null, as `reconcile` needs it.
        only_item: path of a list in the answer that holds what was looked for, once or not at all; empty where the answer
            is the list. Its item is the result, null where there is none; of several, which is meant is not guessed.
    """

    model_config = CLOSED

    id: str
    effect: Effect | None = None
    description: str | None = None
    key_header: HeaderName | None = None
    key_argument: str | None = None
    arguments: dict[str, ArgumentSettings] = Field(default_factory=dict)
    result_fields: tuple[str, ...] | dict[str, str] | None = None
    pages: Pages | None = None
    absent: frozenset[Literal[404, 410]] = frozenset()
    only_item: str | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        carried = (self.key_header is not None) + (self.key_argument is not None)
        if carried != (self.idempotency == "provider-key"):
            raise PydanticCustomError(
                "key", "idempotency: provider-key needs key_header or key_argument, and they need it"
            )
        if self.key_header is not None:
            check_header(self.key_header)
        if self.key_argument in self.arguments:
            raise PydanticCustomError("key", "key_argument is the key's alone: leave it out of arguments")
        if self.effect == "write" and (self.pages or self.absent or self.only_item is not None):
            raise PydanticCustomError("reads", "pages, absent and only_item are for reads")
        if self.pages is not None and self.only_item is not None:
            raise PydanticCustomError("pages", "only_item is for a list that comes at once, not in pages")
        return self


class OpenApiSettings(HttpSettings):
    """A section that uses `openapi`.

    Attributes:
        document: JSON or YAML.
        auth: how requests prove who sends them; None sends none.
        answer_bytes: longest answer that is read.
        operations: what may be called, by the verb it is called by; only these are expanded, so that building is bounded.
    """

    document: Path
    auth: Auth | None = None
    answer_bytes: Annotated[int, Field(ge=1, le=64 << 20)] = 1 << 20
    operations: Annotated[dict[str, OperationSettings], Field(min_length=1, max_length=200)]
