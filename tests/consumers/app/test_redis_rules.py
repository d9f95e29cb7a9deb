"""What does not go together in `redis` is refused with its line, its field and the fix."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from consumers.app.check import check_config
from consumers.app.config_file import InvalidConfigError, read_config
from consumers.app.redis_rules import address

REST: dict[str, Any] = {
    "model": {"base_url": "http://127.0.0.1:1/v1", "name": "offline"},
    "connectors": {"erp": {"use": "sandbox-erp", "base_url": "http://127.0.0.1:1", "token": {"env": "PATH"}}},
    "routes": [{"topic": "t", "event": "e", "goal": "g", "actions": ["erp.check_stock"]}],
}
SECRET = {"env": "PATH"}
SENTINEL = {"service": "sessions", "nodes": ["sentinel-1:26379", "[::1]:26379"]}

RIGHT: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a server": {"url": "redis://redis.example.com"},
    "a database": {"url": "redis://redis.example.com:6379/12"},
    "an ACL user": {"url": "redis://redis.example.com", "username": "pointsman", "password": SECRET},
    "credentials in the URL": {"url": "redis://pointsman:canary@redis.example.com"},
    "a socket": {"url": "unix:///run/redis.sock?db=2"},
    "TLS with the system's authorities": {"url": "rediss://redis.example.com"},
    "TLS with no more": {"url": "rediss://redis.example.com", "tls": {}},
    "a cluster": {"url": "redis://node-1.example.com:7000/0", "cluster": True, "nodes": ["node-2:7000"]},
    "a cluster by TLS": {"url": "rediss://node-1.example.com:7000", "cluster": True, "tls": {}},
    "sentinels": {"sentinel": SENTINEL},
    "sentinels with all there is": {
        "sentinel": {**SENTINEL, "database": 3, "username": "watcher", "password": SECRET},
        "username": "pointsman",
        "password": SECRET,
        "tls": {},
    },
    "a server that may forget": {"durability": "relaxed"},
}
WRONG: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "a scheme of something else": ({"url": "http://canary@redis"}, {"url": "must begin with redis://"}),
    "no server": ({"url": "redis:///0"}, {"url": "must name one server; it looks like redis://host:6379/0"}),
    "two servers": ({"url": "redis://canary,canary:6379"}, {"url": "must name one server"}),
    "a port that is none": ({"url": "redis://:canary@redis:many"}, {"url": "cannot be read"}),
    "a database that is none": ({"url": "redis://redis/canary"}, {"url": "the number of a database"}),
    "options in the URL": (
        {"url": "rediss://redis?ssl_cert_reqs=none"},
        {"url": "use the fields of `redis`"},
    ),
    "no socket": ({"url": "unix://"}, {"url": "names no socket"}),
    "credentials twice": (
        {"url": "redis://pointsman:canary@redis", "username": "pointsman", "password": SECRET},
        dict.fromkeys(("username", "password"), "is in `url` as well: remove one of them"),
    ),
    "TLS without TLS": ({"url": "redis://redis", "tls": {}}, {"tls": "let it begin with rediss://"}),
    "a certificate without its key": (
        {"url": "rediss://redis", "tls": {"cert_file": "c.pem"}},
        {"tls.key_file": "add `key_file: …`"},
    ),
    "a cluster at a socket": ({"url": "unix:///s", "cluster": True}, {"url": "name one of its nodes"}),
    "a cluster's database": (
        {"url": "redis://redis/1", "cluster": True},
        {"url": "only number 0: remove it"},
    ),
    "nodes of no cluster": ({"nodes": ["redis:1"]}, {"nodes": "set `cluster: true`, or remove them"}),
    "a node without a port": ({"cluster": True, "nodes": ["canary"]}, {"nodes": "must each be `host:port`"}),
    "sentinels of nothing": (
        {"sentinel": {"service": "", "nodes": []}},
        {
            "sentinel.service": "at least 1 character",
            "sentinel.nodes": "at least 1 item",
        },
    ),
    "a sentinel without a port": (
        {"sentinel": {**SENTINEL, "nodes": ["canary:x"]}},
        {"sentinel.nodes": "must each be `host:port`"},
    ),
    "a server and sentinels": (
        {"url": "redis://redis", "sentinel": SENTINEL},
        {"url": "`sentinel` says whom to ask for it: remove one of them"},
    ),
    "a cluster and sentinels": (
        {"cluster": True, "nodes": ["redis:1"], "sentinel": SENTINEL},
        {"cluster": "remove it, or `sentinel`", "nodes": "write the sentinels' under `sentinel`"},
    ),
    "a password as it is": ({"password": "canary"}, {"password": "is a secret: write `{env: NAME}`"}),
}


def written(folder: Path, section: dict[str, Any]) -> Path:
    path = folder / "pointsman.yaml"
    path.write_text(yaml.safe_dump({**REST, "redis": section}))
    return path


@pytest.mark.parametrize("section", RIGHT.values(), ids=RIGHT)
def test_what_goes_together_is_accepted(section: dict[str, Any], tmp_path: Path) -> None:
    assert check_config(read_config(written(tmp_path, section))).mistakes == ()


@pytest.mark.parametrize(("section", "said"), WRONG.values(), ids=WRONG)
def test_what_does_not_is_refused_at_its_field(
    section: dict[str, Any], said: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(InvalidConfigError) as caught:
        read_config(written(tmp_path, section))
    found = {mistake.message.partition(": ")[0]: mistake.message for mistake in caught.value.mistakes}
    assert found.keys() == {f"redis.{field}" for field in said}
    assert all(fix in found[f"redis.{field}"] for field, fix in said.items())
    assert "canary" not in str(caught.value)


def test_the_environment_may_not_name_a_server_beside_sentinels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POINTSMAN_REDIS__URL", "redis://redis")
    with pytest.raises(InvalidConfigError, match=r"redis\.url: names a server"):
        read_config(written(tmp_path, {"sentinel": SENTINEL}))


def test_files_and_secrets_that_are_not_there_are_found_by_a_check(tmp_path: Path) -> None:
    missing = {"file": "/nowhere/secret"}
    section = {
        "sentinel": {**SENTINEL, "password": missing},
        "password": missing,
        "tls": {"ca_file": "/nowhere/ca.pem"},
    }
    found = [str(mistake) for mistake in check_config(read_config(written(tmp_path, section))).mistakes]
    assert len(found) == 3
    for name, said in (
        ("redis.password", "/nowhere/secret cannot be read"),
        ("redis.sentinel.password", "/nowhere/secret cannot be read"),
        ("redis.tls.ca_file", "there is no file /nowhere/ca.pem"),
    ):
        assert [each for each in found if f": {name}: " in each and said in each], name


@pytest.mark.parametrize(
    "text", ["", "redis", "redis:", ":1", "a@redis:1", "redis:1/0", "redis:65536", "a,b:1", "::1"]
)
def test_what_is_no_address_is_told_from_one(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        address(text)
    assert address("redis:1") == ("redis", 1)
    assert address("[::1]:2") == ("::1", 2)
