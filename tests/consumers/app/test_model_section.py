"""The section `model`: what a fallback takes over from the first, and which mistakes are named."""

from typing import Any

import pytest
from pydantic import ValidationError

from consumers.app.model_section import Model
from consumers.app.models import deployment_settings
from consumers.errors import ConfigurationError

FIRST: dict[str, Any] = {
    "base_url": "https://one.example.com/v1",
    "name": "big",
    "api_key": {"env": "KEY_OF_ONE"},
    "price": {"input_per_m": 1, "output_per_m": 2},
    "timeout_s": 20,
    "temperature": 0,
}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_OF_ONE", "secret-one")
    monkeypatch.setenv("KEY_OF_TWO", "secret-two")


def second(**fallback: Any) -> Any:
    return deployment_settings(Model.model_validate({**FIRST, "fallbacks": [fallback]}))[1]


def test_a_fallback_takes_over_how_it_is_asked_but_neither_price_nor_label() -> None:
    made = second(name="small")
    assert (made.base_url, made.timeout_s, made.temperature) == (FIRST["base_url"], 20, 0)
    assert made.price is None
    assert made.cost_usd(1_000_000, 0) == 30.0, "an unknown price counts at the ceiling"
    assert made.called == "small"


@pytest.mark.parametrize(
    ("base_url", "key"),
    [
        ("https://one.example.com/other/v1", "secret-one"),
        ("https://one.example.com:443/v1", "secret-one"),
        ("https://two.example.com/v1", "none"),
        ("https://one.example.com:8443/v1", "none"),
        ("http://one.example.com/v1", "none"),
        ("https://one.example.com.evil.example/v1", "none"),
    ],
)
def test_a_key_is_taken_over_on_the_same_host_only(base_url: str, key: str) -> None:
    assert second(base_url=base_url, name="small").api_key.get_secret_value() == key


def test_a_fallback_has_its_own_key_price_and_api_where_it_says_so() -> None:
    made = second(
        base_url="https://two.example.com/v1",
        name="small",
        label="two",
        api="responses",
        api_key={"env": "KEY_OF_TWO"},
        price={"input_per_m": 3, "output_per_m": 4},
        temperature=None,
    )
    assert made.api_key.get_secret_value() == "secret-two"
    assert (made.called, made.api, made.temperature) == ("two", "responses", None)
    assert made.cost_usd(1_000_000, 0) == 3.0


def test_a_key_that_is_not_there_is_named_with_its_deployment() -> None:
    section = Model.model_validate(
        {**FIRST, "fallbacks": [{"name": "small", "api_key": {"env": "NOT_SET_ANYWHERE"}}]}
    )
    with pytest.raises(ConfigurationError, match="api_key of model small"):
        deployment_settings(section)


@pytest.mark.parametrize(
    ("fallbacks", "at", "says"),
    [
        ([{"base_url": "https://two.example.com/v1"}], ("fallbacks", 0, "label"), "called big already"),
        ([{"name": "a"}, {"name": "a"}], ("fallbacks", 1, "label"), "called a already"),
        ([{"name": "a", "base_url": "ftp://x"}], ("fallbacks", 0, "base_url"), "must be http"),
        ([{"name": "a", "tool_choice": None}], ("fallbacks", 0, "tool_choice"), "Input should be"),
        ([{"name": "a", "retries": 99}], ("fallbacks", 0, "retries"), "less than or equal"),
        ([{"nmae": "a"}], ("fallbacks", 0, "nmae"), "not permitted"),
        ([{"name": "a", "api_key": "sk-1"}], ("fallbacks", 0, "api_key"), "is a secret"),
    ],
)
def test_a_mistake_names_its_place_and_shows_no_value(
    fallbacks: list[dict[str, Any]], at: tuple[str | int, ...], says: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate({**FIRST, "fallbacks": fallbacks})
    found = caught.value.errors()
    assert [each["loc"] for each in found] == [at]
    assert says in found[0]["msg"]
    assert "sk-1" not in found[0]["msg"]
