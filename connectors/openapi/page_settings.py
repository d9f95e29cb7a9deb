"""How a list that comes in pages is read on, as the configuration says it."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from connectors.http_auth import CLOSED

_NEEDS: Final[Mapping[str, set[str]]] = {
    "link-header": set(),
    "link": {"next"},
    "cursor": {"next", "parameter"},
    "page": {"parameter"},
    "offset": {"parameter"},
}


class Pages(BaseModel):
    """The pages of one read.

    Paths are dotted (`data.items`; `data.-1.id`, the last item's id) or, with a slash in front, JSON pointers
    (`/@odata.nextLink`).

    Attributes:
        items: where the list is in an answer; empty where the answer is the list.
        by: `link-header` (RFC 8288, `rel="next"`), `link` (a URL in the answer), `cursor` (a value in the answer that is
            sent as a parameter), `page` (a number that grows by one), `offset` (a number that grows by the items had).
        next: where the answer says the link or the cursor; none there, or null, ends the list.
        more: where the answer says that there is more, if it does; false there ends the list.
        parameter: query parameter for cursor, page or offset; the model does not set it.
        first: what the first page is called.
        size: items of a full page; a shorter one is the last. Without it an empty one is.
        pages: most pages of one call; where there is more, the result says so.
        bytes: of all pages of one call; the page that goes beyond is the last.
    """

    model_config = CLOSED

    items: str = ""
    by: Literal["link-header", "link", "cursor", "page", "offset"]
    next: str | None = None
    more: str | None = None
    parameter: str | None = None
    first: Annotated[int, Field(ge=0, le=1)] | None = None
    size: Annotated[int, Field(ge=1, le=100_000)] | None = None
    pages: Annotated[int, Field(ge=1, le=100)] = 10
    bytes: Annotated[int, Field(ge=1, le=64 << 20)] = 1 << 20

    @model_validator(mode="after")
    def _fits(self) -> Self:
        given = {name for name in ("next", "parameter") if getattr(self, name) is not None}
        if given != _NEEDS[self.by]:
            wanted = " and ".join(sorted(_NEEDS[self.by])) or "neither next nor parameter"
            raise PydanticCustomError("pages", "by: {by} needs {wanted}", {"by": self.by, "wanted": wanted})
        if self.by not in {"page", "offset"} and (self.first is not None or self.size is not None):
            raise PydanticCustomError("pages", "first and size are for page and offset")
        return self
