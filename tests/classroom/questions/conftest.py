"""The cast and the devices of `tests.lms`, for the API."""

from tests.lms.conftest import cast, locked  # noqa: F401
from tests.lms.tokens.conftest import ask  # noqa: F401
