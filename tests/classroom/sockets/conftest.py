"""The clients of `tests.realtime`, for the consumers."""

import pytest

from tests.realtime.conftest import authentication, caretaker_stops  # noqa: F401


@pytest.fixture
def _fast_hashes_and_closed_doors():
    """Take back that of `tests.classroom`: here a test says itself what is required."""
