"""Script files: every mistake is found at load, with file, line and rule."""

from pathlib import Path

import pytest

from consumers.offline.script_file import DEMO, ScriptError, load, parse

HEAD = "name: test\nrules:\n"


def mistakes(text: str) -> list[str]:
    with pytest.raises(ScriptError) as caught:
        parse(text, where="s.yaml")
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("  - {name: a, when: turn ==, say: x}", "s.yaml:3: rule 'a' when: does not parse: "),
        ("  - {name: a, say: x}\n  - name: b\n    when: resuls.x == 1\n    say: y",
         "s.yaml:5: rule 'b' when: uses resuls; did you mean results?"),
        ("  - {name: a, say: =nothing}", "s.yaml:3: rule 'a' say: uses nothing; known are calls, errors, "),
        ("  - name: a\n    call:\n      - action: x.y\n        arguments:\n          deep: [1, =event.]",
         "s.yaml:7: rule 'a' call 0 arguments deep 1: does not parse: "),
        ("  - name: a\n    finish:\n      status: done\n      summary: x",
         "s.yaml:5: rule 'a' finish status: is one of completed, refused, failed, not done"),
        ("  - {name: a}", "s.yaml:3: rule 'a': a rule needs one of call, finish and say"),
        ("  - {name: a, call: [{action: x.y}], finish: {status: failed, summary: s}}",
         "s.yaml:3: rule 'a': a rule calls or finishes, not both"),
        ("  - {name: a, call: [{action: finish}]}", "s.yaml:3: rule 'a' call 0 action: write `finish:` instead"),
        ("  - {name: a, say: x}\n  - {name: a, say: y}", "s.yaml:4: rule 'a' name: an earlier rule has this name"),
        ("  - {name: a, says: x}", "s.yaml:3: rule 'a' says: Extra inputs are not permitted"),
        ("  - name: a\n    say: x\n    say: y", "s.yaml:5: the key 'say' occurs twice"),
        ("  - say: x", "s.yaml:3: rule 1 name: Field required"),
        ("  - {name: no, say: x}", "s.yaml:3: rule 1 name: Input should be a valid string"),
        ("  - {name: a", "s.yaml:3: not YAML: "),
        ("  []", "s.yaml:2: rules: List should have at least 1 item"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_file_line_and_rule(rules: str, message: str) -> None:
    told = mistakes(HEAD + rules)
    assert any(line.startswith(message) for line in told), told


def test_all_mistakes_are_told_at_once_in_the_order_of_the_lines() -> None:
    rules = "  - {name: a, say: =b}\n  - {name: ok, say: x}\n  - {name: c, when: '', say: =d}\n  - {name: a, say: x}"
    assert [line.partition(": ")[0] for line in mistakes(HEAD + rules)] == [
        "s.yaml:3",
        "s.yaml:5",
        "s.yaml:6",
    ]


@pytest.mark.parametrize("text", ["", "just text", "[1, 2]", "name: UPPER\nrules: [{name: a, say: x}]"])
def test_what_is_no_script_is_refused(text: str) -> None:
    assert mistakes(text)[0].startswith("s.yaml:1: ")


def test_a_missing_file_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"nowhere\.yaml: cannot be read"):
        load(tmp_path / "nowhere.yaml")


def test_names_that_a_macro_binds_are_no_unknown_names() -> None:
    parse(HEAD + "  - {name: a, when: 'calls.exists(c, c == \"a.b\")', say: x}", where="s.yaml")


def test_only_variables_that_are_used_will_be_computed() -> None:
    script = parse(
        HEAD + "  - {name: a, when: turn == 1, call: [{action: x, arguments: {y: [=event.id]}}]}", where="s"
    )
    assert script.variables == {"turn", "event"}


def test_the_fingerprint_names_the_offline_model_and_changes_with_the_script() -> None:
    one = parse(HEAD + "  - {name: a, say: x}", where="s")
    two = parse(HEAD + "  - {name: a, say: y}", where="s")
    assert one.fingerprint.startswith("pointsman-offline-")
    assert one.fingerprint != two.fingerprint


def test_the_script_of_the_demo_loads() -> None:
    assert load(DEMO).name == "demo"
