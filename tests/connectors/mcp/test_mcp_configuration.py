"""The README's example is a whole section: checked without a server, with its secrets kept."""

import re
from pathlib import Path
from typing import Any

import pytest

from connectors import mcp
from connectors.mcp.definitions import Snapshot, written
from connectors.mcp.settings import McpSettings
from consumers.app.config_file import read_config
from consumers.app.resolve import resolve
from tests.consumers.app.test_config_file import change, valid

__all__ = ["valid"]  # the fixture

README = Path(str(mcp.__file__)).with_name("README.md")


def tool(name: str, *arguments: str) -> dict[str, Any]:
    properties = {each: {"type": "string", "description": each} for each in arguments}
    schema = {"type": "object", "properties": properties, "required": list(arguments)}
    return {"name": name, "description": f"{name}.", "inputSchema": schema}


SHOP = Snapshot(
    "shop 1",
    {
        "getOrder": tool("getOrder", "orderRef"),
        "placeOrder": tool("placeOrder", "customer", "product", "channel", "requestId"),
        "cancelOrder": tool("cancelOrder", "orderRef"),
    },
)


@pytest.fixture
def with_example(valid: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The demo's configuration with the README's section, and its definitions beside it."""
    (fence,) = re.findall(r"```yaml\nconnectors:\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    change(valid, "connectors: # what can be done", f"connectors:\n{fence.rstrip()} #")
    (valid.parent / "shop.tools.json").write_text(written(SHOP), encoding="utf-8")
    monkeypatch.chdir(valid.parent)
    monkeypatch.setenv("SHOP_KEY", "hunter2")
    return valid


def test_the_readmes_example_is_a_whole_section(with_example: Path) -> None:
    resolved = resolve(read_config(with_example))
    assert {"shop.find_order", "shop.place_order", "shop.cancel_order"} <= resolved.catalog.actions.keys()
    place = resolved.catalog.actions["shop.place_order"]
    assert list(place.tool["function"]["parameters"]["properties"]) == ["customer", "product"]
    assert place.compensate == "shop.cancel_order"


def test_its_secret_is_looked_up_when_a_process_starts_and_shown_nowhere(
    with_example: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop,) = (c for c in resolve(read_config(with_example)).connectors if c.connector.name == "shop")
    assert isinstance(shop.settings, McpSettings)
    key = shop.settings.env["SHOP_KEY"].secret
    assert key is not None
    monkeypatch.setenv("SHOP_KEY", "rotated")
    assert key.get_secret_value() == "rotated"
    assert "hunter2" not in repr(shop.settings)
    assert shop.settings.env["SHOP_MODE"].value == "production"
