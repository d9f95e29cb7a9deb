"""Keys of a session share one cluster slot, whatever the session is called, and tenants never share a key."""

from hypothesis import given
from hypothesis import strategies as st

from consumers.session.context import MAX_BYTES, MAX_RUNS, Context
from consumers.session.key import SessionKey


@given(st.text(), st.text(), st.text(), st.text())
def test_different_sessions_or_tenants_have_different_keys(a: str, b: str, c: str, d: str) -> None:
    assert (SessionKey(a, b).tag == SessionKey(c, d).tag) == ((a, b) == (c, d))


@given(st.text())
def test_all_keys_carry_one_hash_tag(session_id: str) -> None:
    key = SessionKey("acme", session_id)
    tags = {k[k.index("{") : k.index("}") + 1] for k in (key.meta, key.context, key.journal("r" * 32))}
    assert tags == {f"{{{key.tag}}}"}


def test_a_context_stays_within_its_bounds_and_keeps_the_newest() -> None:
    runs = tuple({"event_id": str(i), "summary": "x" * 3000} for i in range(50))
    kept = Context.load(Context(runs).dump()).runs
    assert len(Context(runs).dump()) <= MAX_BYTES
    assert 0 < len(kept) <= MAX_RUNS
    assert kept[-1]["event_id"] == "49"


def test_a_new_session_is_empty() -> None:
    assert Context.load(None).runs == ()
