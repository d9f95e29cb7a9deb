"""How a request proves who sends it: in the place that is asked for, and nowhere else."""

import pytest
from pydantic import SecretStr

from connectors.http_login import Proof, SecretLogin
from connectors.secret import SecretUnavailableError


@pytest.mark.parametrize(
    ("login", "proof"),
    [
        (SecretLogin(SecretStr("s3cret")), Proof("s3cret", headers=(("Authorization", "Bearer s3cret"),))),
        (
            SecretLogin(SecretStr("open sesame"), "basic", "ann"),
            Proof("open sesame", headers=(("Authorization", "Basic YW5uOm9wZW4gc2VzYW1l"),)),
        ),
        (SecretLogin(SecretStr("k"), "header", "X-Key"), Proof("k", headers=(("X-Key", "k"),))),
        (SecretLogin(SecretStr("a b&c"), "query", "key"), Proof("a b&c", query=(("key", "a b&c"),))),
        (SecretLogin(SecretStr("k"), "cookie", "sid"), Proof("k", headers=(("Cookie", "sid=k"),))),
    ],
)
async def test_a_secret_is_sent_where_the_system_wants_it(login: SecretLogin, proof: Proof) -> None:
    assert await login.proof(1) == proof
    assert await login.renewed(proof, 1) is None  # it is the same still
    assert proof.secret not in repr(proof)


@pytest.mark.parametrize(
    ("way", "secret"),
    [("bearer", "a\r\nX-Admin: 1"), ("header", "a b"), ("cookie", "a; admin=1"), ("cookie", "a,b")],
)
async def test_a_secret_that_would_be_more_than_a_value_is_refused(way: str, secret: str) -> None:
    login = SecretLogin(SecretStr(secret), way, "name")  # pyright: ignore[reportArgumentType] - each is one of the ways
    with pytest.raises(SecretUnavailableError) as refused:
        await login.proof(1)
    assert secret not in str(refused.value)
