"""Log lines: what they carry, and what they must never carry."""

import io
import logging
import subprocess
import sys
from collections.abc import Iterator

import orjson
import pytest

from consumers.telemetry.logs import (
    CLAMPED,
    FIELDS,
    Format,
    JsonFormatter,
    TextFormatter,
    clamp_kafka,
    configure,
    hidden,
)

log = logging.getLogger("consumers.test")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Other tests want their logging back."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in CLAMPED}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def started(level: str = "INFO", style: Format = "json") -> io.StringIO:
    stream = io.StringIO()
    configure(level, style, stream=stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_the_named_fields() -> None:
    stream = started()
    log.info("event %s", "finished", extra={"event_id": "e-1", "seconds": 0.123456789, "offset": 7})
    (line,) = lines(stream)
    assert str(line.pop("at")).endswith("+00:00")
    assert line == {
        "level": "INFO",
        "logger": "consumers.test",
        "message": "event finished",
        "event_id": "e-1",
        "seconds": 0.123457,
        "offset": 7,
    }


@pytest.mark.parametrize("style", ["json", "text"])
def test_fields_that_are_not_named_are_dropped(style: Format) -> None:
    stream = started(style=style)
    log.info("x", extra={"payload": "iban", "password": "hunter2", "route": "orders"})
    assert "orders" in stream.getvalue()
    assert "iban" not in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


def test_no_field_hides_an_attribute_of_log_records() -> None:
    taken = vars(logging.makeLogRecord({}))
    assert not set(FIELDS) & set(taken)


@pytest.mark.parametrize("style", ["json", "text"])
def test_text_from_outside_cannot_begin_a_line_or_steer_a_terminal(style: Format) -> None:
    stream = started(style=style)
    log.info("bad\nINFO forged \x1b[2J", extra={"reason": "a\r\nb\u2028c"})
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_lone_surrogates_and_long_texts_are_survived(formatter: logging.Formatter) -> None:
    record = logging.makeLogRecord(
        {"msg": "\ud800" + "x" * 100_000, "error": ValueError("\udfff" + "y" * 10_000)}
    )
    line = formatter.format(record)
    assert 1000 < len(line.encode()) < 10_000


@pytest.mark.parametrize("style", ["json", "text"])
def test_what_is_to_be_hidden_is_in_no_part_of_a_line_while_the_block_lasts(style: Format) -> None:
    stream = started(style=style)
    with hidden(lambda text: text.replace("ann@example.org", "(personal)")):
        try:
            int("ann@example.org")
        except ValueError:
            log.exception("for %s", "ann@example.org", extra={"error": "no ann@example.org"})
        assert "ann@" not in stream.getvalue()
        assert stream.getvalue().count("(personal)") >= 3
    log.info("ann@example.org")
    assert "ann@" in stream.getvalue()


@pytest.mark.parametrize("style", ["json", "text"])
def test_exceptions_come_with_their_traceback(style: Format) -> None:
    stream = started(style=style)
    try:
        int("broken")
    except ValueError:
        log.exception("it broke")
    assert "ValueError: invalid literal" in stream.getvalue()
    assert __file__ in stream.getvalue()


@pytest.mark.parametrize("name", CLAMPED)
def test_clients_never_log_payloads_even_at_debug(name: str) -> None:
    stream = started("DEBUG")
    log.debug("ours is shown")
    inner = logging.getLogger(f"{name}.inner")
    # Even where somebody turns one on again.
    for level in (logging.NOTSET, logging.DEBUG):
        inner.setLevel(level)
        inner.debug("password=hunter2")
        inner.log(CLAMPED[name] - 1, "password=hunter2")
    inner.setLevel(logging.NOTSET)
    inner.log(max(CLAMPED[name], logging.WARNING), "trouble is shown")
    assert [line["message"] for line in lines(stream)] == ["ours is shown", "trouble is shown"]


@pytest.mark.parametrize("name", ["aiokafka.conn", "aiokafka.producer.producer"])
def test_kafkas_client_shows_no_logins_and_records_to_handlers_of_others(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    clamp_kafka()
    clamp_kafka()
    with caplog.at_level(logging.DEBUG, logger=name):
        logging.getLogger(name).debug("password=hunter2")
        logging.getLogger(name).info("trouble is shown")
    assert caplog.messages == ["trouble is shown"]
    assert len(logging.getLogger(name).filters) == 1


def test_the_openai_package_cannot_turn_its_debugging_on_by_environment() -> None:
    code = (
        "from consumers.telemetry.logs import configure; configure('DEBUG'); import openai, logging;"
        "logging.getLogger('openai._base_client').debug('hunter2'); logging.getLogger('httpx2').debug('hunter2')"
    )
    for program in (code, "import openai;" + code):
        ended = subprocess.run(
            [sys.executable, "-c", program],
            env={"OPENAI_LOG": "debug"},
            capture_output=True,
            timeout=60,
            check=True,
        )
        assert b"hunter2" not in ended.stderr + ended.stdout


def test_configuring_again_replaces_the_settings() -> None:
    first, second = started(), started("WARNING")
    log.info("not shown")
    log.warning("shown")
    assert first.getvalue() == ""
    assert [line["message"] for line in lines(second)] == ["shown"]


def test_an_unknown_level_is_an_error() -> None:
    with pytest.raises(ValueError, match="LOUD"):
        configure("loud")
