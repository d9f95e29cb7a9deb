"""What an element may hold under one name: made of the declarations of XML Schema, read by arguments and results. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from connectors.soap.simple_types import Simple
from connectors.soap.xml import Element

TEXT: Final = "value"
"""The field that stands for the text of an element which has attributes beside it."""

Place = Literal["element", "attribute", "text"]


@dataclass(frozen=True, slots=True, eq=False)
class Complex:
    """A complex type.

    Attributes:
        node: its declaration.
        name: of the type, or of the element that declares it.
    """

    node: Element
    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """What an element may hold under one name.

    Attributes:
        name: what JSON calls it.
        tag: of the element or attribute; empty for the text itself.
        place: where it stands.
        type: what it holds; None for anything.
        least: how often at least.
        most: how often at most; None for any number of times.
        nillable: whether it may be said to be nothing.
        said: its documentation.
        fixed: what it always is, or None.
        either: names of the fields of which one is given; of a choice.
        problem: why it cannot be an argument, or an empty string.
    """

    name: str
    tag: str
    place: Place
    type: "Simple | Complex | None"
    least: int = 1
    most: int | None = 1
    nillable: bool = False
    said: str = ""
    fixed: str | None = None
    either: tuple[str, ...] = ()
    problem: str = ""

    @property
    def many(self) -> bool:
        """Whether it is a list."""
        return self.most is None or self.most > 1


def options_of(options: list[list[Field]]) -> list[list[Field]]:
    """Return the options of a choice: each field may be left out, and says of which fields one is given."""
    names = tuple(dict.fromkeys(option[0].name for option in options))
    return [
        [replace(each, least=0, either=each.either or (names if len(options) > 1 else ())) for each in option]
        for option in options
    ]


def named_apart(fields: Sequence[Field]) -> tuple[Field, ...]:
    """Return fields under names that differ; an element that is declared twice can be no argument."""
    names: dict[str, Field] = {}
    for each in fields:
        name = each.name
        if name in names and each.place != names[name].place:
            name = f"attr__{each.name}" if each.place == "attribute" else f"{each.name}_"
        if name in names:
            names[name] = replace(names[name], most=None, problem="is declared twice")
        else:
            names[name] = replace(each, name=name)
    return tuple(names.values())
