"""Files in a folder of their own, and a lesson in which Hanako left traces."""

from pathlib import Path

import pytest

from tests.events.conftest import event_pipeline  # noqa: F401 - a fixture
from tests.operations.privacy.student_data import Lesson, leave_traces


@pytest.fixture
def media(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture
def lesson(event_pipeline, media) -> Lesson:  # noqa: F811
    return leave_traces(event_pipeline)
