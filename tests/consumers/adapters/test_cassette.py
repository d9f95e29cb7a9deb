"""Cassettes: what was recorded is played, and nothing else."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.adapters.cassette import Cassette, UnrecordedRequestError, without_secrets
from consumers.adapters.cassette_model import CassetteModel, RecordingModel, cassette, refuse_cassette
from consumers.errors import ConfigurationError
from consumers.router.exchange import Message, Prompt, Reply, ToolCall

TOOLS: list[Mapping[str, Any]] = [{"type": "function", "function": {"name": "erp__check_stock"}}]
REPLY = Reply(
    "m", "I look.", (ToolCall("1", "erp__check_stock", '{"product_id":"P-1"}'),), "tool_calls", 9, 3, 0.1
)


def prompt(text: str, **changes: Any) -> Prompt:
    messages: list[Message] = [{"role": "system", "content": "Work."}, {"role": "user", "content": text}]
    return replace(Prompt(messages, TOOLS, 100, "run-1", "acme"), **changes)


class Echo:
    """A model that says what it was asked; it counts."""

    def __init__(self) -> None:
        self.asked = 0

    async def reply(self, prompt: Prompt) -> Reply:
        self.asked += 1
        return replace(REPLY, text=str(prompt.messages[-1]["content"]))


async def recorded(path: Path, *texts: str) -> None:
    with cassette(path, record=Echo()) as model:
        for text in texts:
            await model.reply(prompt(text))


async def test_what_was_recorded_is_played_for_any_run_and_tenant(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    await recorded(path, "two lamps", "a desk")
    with cassette(path) as model:
        reply = await model.reply(prompt("a desk", run_id="another", tenant="elsewhere"))
        assert reply == replace(REPLY, text="a desk")
        assert isinstance(model, CassetteModel)
        assert model.played == 1


async def test_the_file_is_the_same_in_whatever_order_it_was_recorded(tmp_path: Path) -> None:
    await recorded(tmp_path / "a.json", "one", "two", "three", "one")
    await recorded(tmp_path / "b.json", "three", "two", "one")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert len(orjson.loads((tmp_path / "a.json").read_bytes())["tools"]) == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            prompt("three lamps"),
            'in 1 place, first at messages[1].content: recorded "two lamps", asked "three lamps"',
        ),
        (prompt("two lamps", max_output_tokens=7), "first at max_output_tokens: recorded 100, asked 7"),
        (prompt("two lamps", tools=[]), "in 3 places, first at tools[0].function.name: recorded"),
        (
            prompt("two lamps", messages=prompt("two lamps").messages[:1]),
            ", asked nothing",
        ),
    ],
)
async def test_anything_else_fails_and_says_where_the_nearest_differs(
    asked: Prompt, said: str, tmp_path: Path
) -> None:
    await recorded(tmp_path / "c.json", "two lamps", "something else altogether")
    with cassette(tmp_path / "c.json") as model, pytest.raises(UnrecordedRequestError) as caught:
        await model.reply(asked)
    assert said in str(caught.value)
    assert "record it again" in str(caught.value)


async def test_of_long_texts_only_the_place_is_shown(tmp_path: Path) -> None:
    await recorded(tmp_path / "c.json", "x" * 5000 + "old" + "y" * 5000)
    with cassette(tmp_path / "c.json") as model, pytest.raises(UnrecordedRequestError) as caught:
        await model.reply(prompt("x" * 5000 + "new" + "y" * 5000))
    assert "xxxold" in str(caught.value)
    assert "xxxnew" in str(caught.value)
    assert len(str(caught.value)) < 500


async def test_secrets_are_not_written_and_do_not_keep_it_from_being_found(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    for secret in ("Bearer abcdef.ghi-123", "bearer another+one="):
        await recorded(path, f"call it with {secret}, please")
        assert secret.split()[1] not in path.read_text()
        with cassette(path) as model:
            await model.reply(prompt(f"call it with {secret}, please"))


@pytest.mark.parametrize(
    "secret",
    [
        "Authorization: Bearer aGVsbG8gd29ybGQ",
        "Basic dXNlcjpwYXNzd29yZA==",
        "https://user:pass-word@example.com/x",
        "sk-proj-abcdefghijklmnop1234",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "AKIAABCDEFGHIJKLMNOP",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-def",
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n-----END PRIVATE KEY-----",
    ],
)
def test_what_looks_like_a_credential_is_hidden_wherever_it_stands(secret: str) -> None:
    hidden = without_secrets({"a": [{"b": f"see {secret} there"}]})["a"][0]["b"]
    assert "***" in hidden
    for part in ("aGVsbG8", "dXNlcjpw", "pass-word", "abcdefghijklmnop", "ABCDEFGHIJ", "eyJzdWI", "MC4CAQ"):
        assert part not in hidden


def test_plain_words_stay() -> None:
    text = "The basic idea: a bearer of good news asks for sk-1, order O-1001 and two keys."
    assert without_secrets(text).replace("***", "of") == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    )
)
def test_hiding_twice_hides_no_more(value: Any) -> None:
    assert without_secrets(without_secrets(value)) == without_secrets(value)


async def test_nothing_is_asked_while_a_cassette_plays_and_a_failed_recording_is_not_kept(
    tmp_path: Path,
) -> None:
    path = tmp_path / "c.json"
    echo = Echo()
    with pytest.raises(KeyError), cassette(path, record=echo) as model:
        await model.reply(prompt("one"))
        raise KeyError("the test failed")
    assert not path.exists()
    assert echo.asked == 1


@pytest.mark.parametrize("content", [None, b"{", b"{}", b'{"version":9,"tools":{},"exchanges":[]}'])
def test_what_cannot_be_played_is_refused_at_once(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="cassette"), cassette(path):
        pass


def test_a_worker_refuses_cassettes() -> None:
    for model in (CassetteModel(Cassette()), RecordingModel(Echo())):
        with pytest.raises(ConfigurationError, match="cassettes are for tests"):
            refuse_cassette(model)
    refuse_cassette(Echo())
