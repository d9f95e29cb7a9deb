"""The texts that a route names: its template and its documents, read once when the configuration is."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from consumers.app.config_file import ConfigFile, Location, Mistake
from consumers.router.template import STANDARD, Document, Template, TemplateError

_LARGEST: Final = 256 * 1024
"""Bytes of one file; `budget.prompt_tokens` bounds what is sent."""


def resolve_texts(file: ConfigFile, route: int) -> tuple[Template, tuple[Document, ...], list[Mistake]]:
    """Return a route's template and documents, and what is wrong with any of them."""
    settings = file.config.routes[route]
    mistakes: list[Mistake] = []

    def read(path: Path, *at: str | int) -> str | None:
        where: Location = ("routes", route, *at)
        return _read(path, lambda why, fix: mistakes.append(_mistake(file, where, path, why, fix)))

    template = STANDARD
    if settings.prompt is not None and (text := read(settings.prompt, "prompt")) is not None:
        try:
            template = Template.read(text)
        except TemplateError as error:
            at: Location = ("routes", route, "prompt")
            hint = "a template says `$goal` and `$rules` where those of the route belong"
            mistakes.append(_mistake(file, at, settings.prompt, str(error), hint))
    texts = [(path, read(path, "documents", number)) for number, path in enumerate(settings.documents)]
    documents = tuple(Document(path.name, text) for path, text in texts if text is not None)
    names = [path.name for path in settings.documents]
    for number, name in enumerate(names):
        if name in names[:number]:
            at = ("routes", route, "documents", number)
            hint = "the model knows them by their names: rename one"
            mistakes.append(_mistake(file, at, settings.documents[number], "has the name of another", hint))
    return template, documents, mistakes


def _read(path: Path, complain: Callable[[str, str], None]) -> str | None:
    try:
        with path.open("rb") as opened:
            content = opened.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            complain(f"has more than {_LARGEST} bytes", "name what the model needs of it")
            return None
        return content.decode()
    except OSError as error:
        complain(f"cannot be read: {error.strerror}", "paths begin where the worker is started")
    except UnicodeDecodeError:
        complain("is no text in UTF-8", "convert it")
    return None


def _mistake(file: ConfigFile, at: Location, path: Path, why: str, hint: str) -> Mistake:
    name = ".".join(map(str, at))
    return Mistake(file.where(*at), f"{name}: {path} {why}", hint)
