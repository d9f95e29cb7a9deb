import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sql.placeholders import Numbered, PlaceholderError, numbered


@pytest.mark.parametrize(
    ("sql", "made", "names"),
    [
        ("SELECT :a, :b, :a", "SELECT $1, $2, $1", ("a", "b")),
        ("SELECT :a::int, '12:30', x::date", "SELECT $1::int, '12:30', x::date", ("a",)),
        ("SELECT ':a', ':b''s :c', \":d\", :e", "SELECT ':a', ':b''s :c', \":d\", $1", ("e",)),
        ("SELECT E'\\':a', 'x\\', :b", "SELECT E'\\':a', 'x\\', $1", ("b",)),
        ("SELECT $$ :a ? $1 $$, $x$ $$ :b $x$, :c", "SELECT $$ :a ? $1 $$, $x$ $$ :b $x$, $1", ("c",)),
        ("SELECT 1 -- :a ?\n, :b", "SELECT 1 -- :a ?\n, $1", ("b",)),
        ("SELECT /* :a /* ? */ :b */ :c", "SELECT /* :a /* ? */ :b */ $1", ("c",)),
        ("CALL_IT(x := :a)", "CALL_IT(x := $1)", ("a",)),
        ("SELECT a$1 FROM t", "SELECT a$1 FROM t", ()),
        ("SELECT 1", "SELECT 1", ()),
    ],
)
def test_named_parameters_are_numbered_and_all_else_is_kept(
    sql: str, made: str, names: tuple[str, ...]
) -> None:
    assert numbered(sql) == Numbered(made, names)


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT ?", "write its name"),
        ("SELECT $1", r"uses \$1"),
        ("SELECT 'open", "has a ' that is not closed"),
        ('SELECT "open', 'has a " that is not closed'),
        ("SELECT $x$ open $$", r"has a \$x\$ that is not closed"),
        ("SELECT /* /* */ open", "comment that is not closed"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(sql: str, says: str) -> None:
    with pytest.raises(PlaceholderError, match=says):
        numbered(sql)


_PIECES = st.sampled_from(
    ("SELECT ", "':a'", '":b"', " -- :c\n", "/* :d */", "$$:e$$", "::int", " , ", "x", "$t$ :f $t$", "E'\\''")
)


@given(st.lists(st.one_of(_PIECES, st.sampled_from((":p", ":q"))), max_size=20))
def test_only_what_stands_outside_of_quotes_and_comments_is_bound(pieces: list[str]) -> None:
    joined = [f" {piece} " for piece in pieces]
    made = numbered("".join(joined))
    names = list(dict.fromkeys(piece[1:] for piece in pieces if piece in {":p", ":q"}))
    assert made.names == tuple(names)
    wanted = [
        f" ${names.index(piece[1:]) + 1} " if piece in {":p", ":q"} else f" {piece} " for piece in pieces
    ]
    assert made.sql == "".join(wanted)
