"""From a function's signature and docstring to the model of its arguments. Pure, runs once at start-up."""

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import griffe
from pydantic import BaseModel, Field, PydanticUserError, create_model
from pydantic.fields import FieldInfo

from connectors.action import Call
from connectors.arguments import Arguments
from connectors.bounds import shape_of
from connectors.returns import describe_returns

_QUIET = {"warnings": False}
_STYLES: Any = {"google": _QUIET, "numpy": _QUIET, "sphinx": _QUIET}
"""Griffe logs a missing type for each parameter; the types are in the signature."""


class DefinitionError(Exception):
    """A connector or an action is declared in a way that cannot work; the message names place and fix."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function says of itself.

    Attributes:
        description: the docstring's first paragraph on one line, or an empty string.
        arguments: strict model of the parameters behind the call.
        result: the pydantic model it returns, or None where it returns anything else.
        returns: texts of what it returns, longest first.
        where: `file:line` of the function.
    """

    description: str
    arguments: type[Arguments]
    result: type[BaseModel] | None
    where: str
    returns: tuple[str, ...] = ()


def read_signature(function: Callable[..., Any], *, name: str) -> Signature:
    """Read what an action's function accepts, returns and documents.

    Args:
        function: an `async def` whose first parameter is annotated `Call[...]`.
        name: the action's name, for the model's name and for messages.

    Raises:
        DefinitionError: where the signature cannot become a model.
    """
    where = f"{function.__code__.co_filename}:{function.__code__.co_firstlineno}"
    complain = _Complaint(name, where)
    if not inspect.iscoroutinefunction(function):
        raise complain("must be an `async def`")
    hints = _hints(function, complain)
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters or not _is_call(hints.get(parameters[0].name)):
        raise complain("must take the call first: `call: Call[Client]`")
    description, documented, returns = _docstring(function)
    fields = {
        parameter.name: _field(parameter, hints, documented.get(parameter.name), complain)
        for parameter in parameters[1:]
    }
    returned = hints.get("return")
    return Signature(
        description=description,
        arguments=_model(name, fields, complain),
        result=returned if isinstance(returned, type) and issubclass(returned, BaseModel) else None,
        where=where,
        returns=describe_returns(returned, returns),
    )


@dataclass(frozen=True, slots=True)
class _Complaint:
    """Makes the errors of one action."""

    name: str
    where: str

    def __call__(self, problem: str) -> DefinitionError:
        return DefinitionError(f"action {self.name} ({self.where}) {problem}")


def _hints(function: Callable[..., Any], complain: _Complaint) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError) as error:
        raise complain(f"has an annotation that cannot be resolved: {error}") from error


def _is_call(hint: Any) -> bool:
    return hint is Call or typing.get_origin(hint) is Call


def _field(
    parameter: inspect.Parameter, hints: Mapping[str, Any], description: str | None, complain: _Complaint
) -> tuple[Any, Any]:
    """Return the `(type, FieldInfo)` pair that `create_model` wants."""
    name = parameter.name
    if parameter.kind not in {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}:
        raise complain(f"takes `{name}` by position or as a star argument; every parameter must have a name")
    if name not in hints:
        raise complain(f"has a parameter `{name}` without a type")
    if name.startswith("_") or hasattr(Arguments, name):
        raise complain(f"has a parameter `{name}`, a name pydantic keeps for itself; choose another")
    if isinstance(parameter.default, FieldInfo):
        raise complain(f"gives `{name}` a Field as default; write `Annotated[type, Field(...)]`")
    # Only what the docstring says is passed on, so that an `Annotated[..., Field(description=...)]` survives.
    said: dict[str, Any] = {"description": description} if description else {}
    if parameter.default is inspect.Parameter.empty:
        return hints[name], Field(**said)
    return hints[name], Field(default=parameter.default, **said)


def _model(name: str, fields: dict[str, Any], complain: _Complaint) -> type[Arguments]:
    try:
        model = create_model(name.replace(".", "_"), __base__=Arguments, **fields)
        model.wire_shape = shape_of(model.model_json_schema())
    except PydanticUserError as error:
        raise complain(f"has a parameter pydantic cannot validate: {error.message}") from error
    return model


def _docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str], str]:
    """Return the first paragraph, the description of each documented parameter and of the result, each on one line."""
    text = inspect.getdoc(function)
    if not text:
        return "", {}, ""
    # By the sections found: griffe's quick guess takes a Sphinx docstring that only says what is returned for plain text.
    sections = griffe.parse_auto(
        griffe.Docstring(text), method="max_sections", style_order=list(_STYLES), per_style_options=_STYLES
    )
    description, returns = "", ""
    documented: dict[str, str] = {}
    for section in sections:
        if isinstance(section, griffe.DocstringSectionText) and not description:
            description = _one_line(section.value.split("\n\n", 1)[0])
        elif isinstance(section, griffe.DocstringSectionParameters):
            documented |= {entry.name: _one_line(entry.description) for entry in section.value}
        elif isinstance(section, griffe.DocstringSectionReturns):
            returns = _one_line(" ".join(entry.description for entry in section.value))
    return description, documented, returns


def _one_line(text: str) -> str:
    return " ".join(text.split())
