"""Readiness and liveness."""

from consumers.telemetry.health import Health


def test_it_is_ready_exactly_while_there_is_no_reason_against_it() -> None:
    health = Health()
    assert health.is_ready
    health.not_ready("redis", "no connection")
    health.not_ready("kafka", "no partitions yet")
    health.not_ready("redis", "still no connection")
    assert dict(health.reasons) == {"redis": "still no connection", "kafka": "no partitions yet"}
    health.ready("redis")
    assert not health.is_ready
    health.ready("kafka")
    health.ready("kafka")
    assert health.is_ready


def test_it_lives_while_every_check_says_nothing() -> None:
    health = Health()
    wrong: list[str] = []
    health.watch("loop", lambda: wrong[0] if wrong else None)
    assert health.ailments() == {}
    wrong.append("no poll for 90 s")
    assert health.ailments() == {"loop": "no poll for 90 s"}


def test_a_check_that_fails_is_no_proof_of_life_and_its_text_is_not_shown() -> None:
    def check() -> str | None:
        raise RuntimeError("password=hunter2")

    health = Health()
    health.watch("loop", check)
    assert health.ailments() == {"loop": "the check failed: RuntimeError"}
