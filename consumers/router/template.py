"""What a route says to the model before the event: a template in a file, and documents that the route names. Pure."""

from dataclasses import dataclass
from importlib.resources import files
from string import Template as Placeholders
from typing import Final

GOAL: Final = "goal"
RULES: Final = "rules"
_KNOWN: Final = frozenset({GOAL, RULES})


class TemplateError(ValueError):
    """A template that cannot be filled; the message says what to write."""


@dataclass(frozen=True, slots=True)
class Document:
    """A text that the model is given with every event of a route, such as the rules for returns.

    Attributes:
        name: what the model knows it by.
        text: shown as data, like the event.
    """

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Template:
    """The system message, with `$goal` and `$rules` where those of the route belong; a dollar sign is written twice."""

    text: str

    @classmethod
    def read(cls, text: str) -> "Template":
        """Check a template.

        Raises:
            TemplateError: it lacks `$goal` or `$rules`, or has another placeholder.
        """
        found = Placeholders(text)
        if not found.is_valid():
            raise TemplateError("has a lone dollar sign; write two of them")
        names = set(found.get_identifiers())
        if missing := sorted(_KNOWN - names):
            raise TemplateError(f"lacks ${missing[0]}")
        if unknown := sorted(names - _KNOWN):
            raise TemplateError(f"has ${unknown[0]}; known are ${GOAL} and ${RULES}")
        return cls(text.rstrip("\n"))

    def filled(self, goal: str, rules: str) -> str:
        """Return the system message."""
        return Placeholders(self.text).substitute({GOAL: goal, RULES: rules})


STANDARD: Final = Template.read((files("consumers.router") / "prompts" / "system.txt").read_text("utf-8"))
"""The template of routes that name none."""
