"""Reading `pointsman.yaml` with the line of every value, so that each mistake can name its place."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from consumers.app.config import Config
from consumers.errors import ConfigurationError

Location = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong in the file."""

    where: str
    """`file:line`."""
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" + (f"\n    {self.hint}" if self.hint else "")


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A configuration and where each of its values stands."""

    path: Path
    config: Config
    lines: Mapping[Location, int]

    def where(self, *location: str | int) -> str:
        """Return `file:line` of a value, or of the nearest thing around it that the file has."""
        return f"{self.path.name}:{_nearest(self.lines, location)}"


class InvalidConfigError(ConfigurationError):
    """The file cannot be used; `mistakes` has every one found."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


def read_config(path: Path) -> ConfigFile:
    """Read and validate a file; overrides from the environment are applied.

    Raises:
        InvalidConfigError: it is not there, not YAML, or does not fit the model.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidConfigError([Mistake(str(path), f"cannot be read: {error.strerror}")]) from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or str(error)
        raise InvalidConfigError([Mistake(f"{path.name}:{line}", f"is not YAML: {problem}")]) from error
    if not isinstance(data, dict):
        raise InvalidConfigError(
            [Mistake(f"{path.name}:1", "is empty or no mapping", "see README, Configuration")]
        )
    lines: dict[Location, int] = {}
    _collect(node, (), lines)
    try:
        return ConfigFile(path, Config(**data), lines)
    except ValidationError as error:
        raise InvalidConfigError([_mistake(path, lines, dict(e)) for e in error.errors()]) from error


def _mistake(path: Path, lines: Mapping[Location, int], error: dict[str, Any]) -> Mistake:
    location: Location = error["loc"]
    name = ".".join(map(str, location)) or "the file"
    hint = "remove it, or check its spelling" if error["type"] == "extra_forbidden" else ""
    return Mistake(f"{path.name}:{_nearest(lines, location)}", f"{name}: {error['msg']}", hint)


def _nearest(lines: Mapping[Location, int], location: Location) -> int:
    while location not in lines and location:
        location = location[:-1]
    return lines.get(location, 1)


def _collect(node: yaml.Node | None, at: Location, lines: dict[Location, int]) -> None:
    if node is None:
        return
    lines.setdefault(at, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            lines[(*at, key.value)] = key.start_mark.line + 1
            _collect(value, (*at, key.value), lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _collect(value, (*at, index), lines)
