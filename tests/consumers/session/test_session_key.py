"""Keys of a session share one cluster slot, whatever the session is called, and tenants never share a key."""

from hypothesis import given
from hypothesis import strategies as st

from consumers.session.key import SessionKey


@given(st.text(), st.text(), st.text(), st.text())
def test_different_sessions_or_tenants_have_different_keys(a: str, b: str, c: str, d: str) -> None:
    assert (SessionKey(a, b).tag == SessionKey(c, d).tag) == ((a, b) == (c, d))


@given(st.text())
def test_all_keys_carry_one_hash_tag(session_id: str) -> None:
    key = SessionKey("acme", session_id)
    tags = {k[k.index("{") : k.index("}") + 1] for k in (key.meta, key.context, key.journal("r" * 32))}
    assert tags == {f"{{{key.tag}}}"}
