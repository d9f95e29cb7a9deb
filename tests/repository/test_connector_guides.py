"""Each kind of connector has a guide: its example is a configuration, and no setting is left out of it."""

import re
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel, SecretStr

from connectors.discovery import GROUP, load_connectors
from connectors.kind import Kind, Place
from consumers.app.connector_secrets import with_secrets
from consumers.app.connector_settings import ConnectorSettings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NEIGHBOUR = re.compile(r"\]\((\.\./[a-z_]+/README\.md)")
FENCE = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def installed() -> Iterator[tuple[EntryPoint, Kind[Any]]]:
    for point in entry_points(group=GROUP):
        (loaded,) = load_connectors([point.name])
        if isinstance(loaded, Kind):
            yield point, loaded


KINDS = {point.name: (point, kind) for point, kind in installed()}


def guide(name: str) -> Path:
    return ROOT.joinpath(*KINDS[name][0].value.partition(":")[0].split(".")[:2]) / "README.md"


@pytest.mark.parametrize("name", KINDS)
def test_the_readme_leads_to_the_guide_of_each_kind(name: str) -> None:
    assert guide(name).is_file()
    assert f"`{name}`" in README
    assert f"({guide(name).relative_to(ROOT)})" in README


@pytest.mark.parametrize("name", KINDS)
def test_the_example_of_a_guide_is_a_section_of_its_kind(name: str) -> None:
    # Kinds that share a guide share its sections, where it says that only the name differs.
    shared = [other for other in KINDS if guide(other) == guide(name)]
    sections = [section for section in examples(guide(name)) if section["use"] in shared]
    assert sections, f"{guide(name)} shows no section with `use: {name}`"
    for section in sections:
        checked(name, section)


@pytest.mark.parametrize("name", KINDS)
def test_a_guide_names_every_setting_of_its_kind(name: str) -> None:
    text = told(guide(name))
    missing = {field for field in fields(KINDS[name][1].settings) if not re.search(rf"\b{field}\b", text)}
    assert missing == set()


def told(path: Path) -> str:
    """Return a guide, and those of its neighbours that it leads to."""
    text = path.read_text(encoding="utf-8")
    linked = {path.parent / link for link in NEIGHBOUR.findall(text)}
    return "\n".join((text, *(each.read_text(encoding="utf-8") for each in linked)))


def examples(path: Path) -> Iterator[dict[str, Any]]:
    for fence in FENCE.findall(path.read_text(encoding="utf-8")):
        read = yaml.safe_load(fence)
        if isinstance(read, dict):
            yield from read.get("connectors", {}).values()


def checked(name: str, section: dict[str, Any]) -> None:
    own = ConnectorSettings.model_validate(section).own

    def complain(at: Place, problem: str) -> None:
        raise AssertionError(f"{at}: {problem}")

    settings = KINDS[name][1].settings
    settings.model_validate(with_secrets(settings, own, reference, complain))


def reference(value: Any) -> SecretStr:
    if not (isinstance(value, dict) and {"env", "file", "vault"} & value.keys()):
        raise LookupError(f"{value!r} is no reference to a secret")
    return SecretStr("s3cret-of-an-example")


def fields(model: type[BaseModel], seen: frozenset[type[BaseModel]] = frozenset()) -> Iterator[str]:
    for name, info in model.model_fields.items():
        yield info.alias or name
        for inner in models(info.annotation):
            if inner not in seen:
                yield from fields(inner, seen | {model})


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from models(each)
