"""The cast of `tests.lms`."""

from tests.lms.conftest import api, cast  # noqa: F401
