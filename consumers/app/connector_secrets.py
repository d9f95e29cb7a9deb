"""Secrets inside a connector's section: found by the types of its settings, at any depth, and fetched when they are used."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast, get_args, get_origin

from pydantic import BaseModel, SecretStr

from connectors.kind import Place

Fetcher = Callable[[Any], SecretStr]
"""From a reference such as `{env: NAME}` to the secret; raises LookupError with what is wrong."""
Complain = Callable[[Place, str], None]


def with_secrets(
    settings: type[BaseModel], given: Mapping[str, Any], fetch: Fetcher, complain: Complain
) -> dict[str, Any]:
    """Return the values of a section with what fetches it in place of each reference to a secret.

    A value is a secret where its type in `settings` is SecretStr: as a field of the model, of a model inside it, of one of
    several models it may be, or of those in its lists and mappings.

    Args:
        settings: the connector's model.
        given: what the file says.
        fetch: called with what stands in the place of a secret.
        complain: told the place of what is no reference, or of one that leads nowhere.
    """
    return _Reading(fetch, complain).fields([settings], given, ())


class _Reading:
    def __init__(self, fetch: Fetcher, complain: Complain) -> None:
        self._fetch = fetch
        self._complain = complain

    def fields(
        self, models: Sequence[type[BaseModel]], given: Mapping[str, Any], at: Place
    ) -> dict[str, Any]:
        """Return the fields of what may be any of these models."""
        return {
            name: self._value(_annotations(models, name), value, (*at, name)) for name, value in given.items()
        }

    def _value(self, kinds: Sequence[Any], value: Any, at: Place) -> Any:
        if SecretStr in kinds:
            try:
                return self._fetch(value)
            except LookupError as error:
                self._complain(at, str(error))
                return SecretStr("missing")
        if isinstance(value, dict):
            entries = cast("dict[str, Any]", value)
            models = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
            if models:
                return self.fields(models, entries, at)
            inner = [kind for each in _inside(kinds, Mapping) for kind in _kinds(each)]
            return {name: self._value(inner, each, (*at, name)) for name, each in entries.items()}
        if isinstance(value, list):
            inner = [kind for each in _inside(kinds, Sequence) for kind in _kinds(each)]
            items = cast("list[Any]", value)
            return [self._value(inner, each, (*at, number)) for number, each in enumerate(items)]
        return value


def _annotations(models: Sequence[type[BaseModel]], name: str) -> list[Any]:
    found = (model.model_fields.get(name) for model in models)
    return [kind for info in found if info is not None for kind in _kinds(info.annotation)]


def _inside(kinds: Sequence[Any], of: type[Any]) -> Iterator[Any]:
    """Yield the types of what these mappings, or lists, hold."""
    for kind in kinds:
        origin = get_origin(kind)
        if isinstance(origin, type) and issubclass(origin, of):
            yield get_args(kind)[-1 if of is Mapping else 0]


def _kinds(annotation: Any) -> Iterator[Any]:
    """Yield a type, and the types of a union or of what is annotated."""
    yield annotation
    origin = get_origin(annotation)
    if not (isinstance(origin, type) and issubclass(origin, (Mapping, Sequence))):
        for each in get_args(annotation):
            yield from _kinds(each)
