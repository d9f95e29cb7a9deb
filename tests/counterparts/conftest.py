"""Each counterpart's tests go to one worker, which starts it once."""

import pytest

from tests.counterparts.started import START_S


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "counterparts":
            item.add_marker(pytest.mark.counterpart)
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(START_S + 60))
