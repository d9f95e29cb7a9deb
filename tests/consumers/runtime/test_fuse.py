"""The fuse stops a worker that gives everything up, and lets one go on that gives up a few."""

import pytest

from consumers.errors import HaltError
from consumers.runtime.fuse import Fuse


def test_so_many_in_a_row_blow_it_and_one_success_begins_anew() -> None:
    fuse = Fuse(in_a_row=3, ratio=1.0, window=100)
    for _ in range(5):
        fuse.given_up("bad")
        fuse.given_up("bad")
        fuse.success()
    fuse.given_up("bad")
    fuse.given_up("bad")
    with pytest.raises(HaltError, match=r"3 records in a row .* the last one: worse"):
        fuse.given_up("worse")


def test_a_share_blows_it_only_over_a_full_window() -> None:
    fuse = Fuse(in_a_row=100, ratio=0.5, window=10)
    for _ in range(4):
        fuse.given_up("bad")
        fuse.success()
    fuse.success()
    with pytest.raises(HaltError, match="5 of the last 10 records"):
        fuse.given_up("bad")


def test_what_is_long_ago_does_not_count() -> None:
    fuse = Fuse(in_a_row=100, ratio=0.5, window=10)
    for _ in range(4):
        fuse.given_up("bad")
    for _ in range(100):
        fuse.success()
    for _ in range(4):
        fuse.given_up("bad")
