"""The tool `find_actions`, as a model is offered it beside the actions it is shown. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from pydantic import BaseModel, Field, create_model

from connectors.action import Effect
from connectors.arguments import Arguments
from connectors.tool import build_tool

FIND: Final = "find_actions"
"""Name of the tool with which the model looks for actions. No action has it: theirs have a dot."""
_TOLD: Final = 900
"""Characters of the namespaces in the tool's description, which may have 1,024."""
_QUERY_CHARS: Final = 300


class Offer(Protocol):
    """What the model may call: an action, or the search for one."""

    @property
    def name(self) -> str:
        """As the journal has it."""
        ...

    @property
    def effect(self) -> Effect:
        """Whether it changes anything."""
        ...

    @property
    def arguments(self) -> type[BaseModel]:
        """What it is called with."""
        ...


@dataclass(frozen=True, slots=True)
class Finder:
    """The tool `find_actions`, as a model is offered it."""

    arguments: type[BaseModel]
    tool: Mapping[str, Any]
    name: str = FIND
    effect: Effect = "read"


def finder_of(namespaces: Mapping[str, str]) -> Finder:
    """Return the tool for a route with actions of these connectors, by name with what each says of itself."""
    one_of: Any = Literal[tuple(namespaces)]
    one_or_none: Any = one_of | None
    model = create_model(
        FIND,
        __base__=Arguments,
        query=(
            str,
            Field(
                max_length=_QUERY_CHARS,
                description="What is to be done, in a few words, such as: cancel an invoice.",
            ),
        ),
        namespace=(
            one_or_none,
            Field(default=None, description="Look only among the actions of this system."),
        ),
    )
    text = (
        "Find actions that are allowed but not shown. The best ones can be called from the next answer on. Systems: "
        + _listed(namespaces)
    )
    return Finder(model, build_tool(FIND, text, model))


def _listed(namespaces: Mapping[str, str]) -> str:
    """Return the namespaces with what they say of themselves, as far as there is room; all names are in the schema."""
    each = max(_TOLD // len(namespaces), 20)
    told = (f"{name}: {' '.join(said.split()).rstrip('.')}"[: each - 2] for name, said in namespaces.items())
    return "; ".join(told)[:_TOLD] + "."
