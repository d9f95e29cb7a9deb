"""YAML that remembers on which line each value stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

Location = tuple[str | int, ...]
"""Where in a document something stands, such as `("rules", 2, "when")`."""


@dataclass(frozen=True, slots=True)
class MarkedYaml:
    """A parsed document: its data, and the line of each value, counted from 1."""

    data: Any
    lines: Mapping[Location, int]

    def line_of(self, at: Location) -> int:
        """Return the line of a value, or of the nearest thing around it that is in the document."""
        while at and at not in self.lines:
            at = at[:-1]
        return self.lines.get(at, 1)


class NotYamlError(Exception):
    """The text is not YAML.

    Attributes:
        line: where it is wrong, counted from 1.
    """

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def read_yaml(text: str) -> MarkedYaml:
    """Parse one document.

    Raises:
        NotYamlError: it does not parse, or a mapping has a key twice.
    """
    lines: dict[Location, int] = {}
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return MarkedYaml(None, lines)
        _mark(node, (), lines)
        return MarkedYaml(loader.construct_document(node), lines)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise NotYamlError(mark.line + 1 if mark else 1, f"not YAML: {error.problem}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise NotYamlError(1, f"not YAML: {str(error) or 'nested too deep'}") from error


def _mark(node: yaml.Node, at: Location, lines: dict[Location, int]) -> None:
    lines[at] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _mark(item, (*at, index), lines)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            place = (*at, str(key.value))
            if place in lines:
                raise NotYamlError(key.start_mark.line + 1, f"the key {key.value!r} occurs twice")
            _mark(value, place, lines)
            lines[place] = key.start_mark.line + 1
