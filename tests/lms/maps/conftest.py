"""What the contract's tests of the classroom's map share: an upload, and a map that hangs there."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from lms.models import ClassroomMap
from tests.lms.conftest import PREFIX, rows_of
from tests.lms.notebooks.pictures import picture

FIELDS = {
    "id", "image_filename", "image_url", "original_filename", "uploaded_at", "uploaded_by", "is_active",
    "file_size_bytes", "content_type", "team_positions",
}  # fmt: skip
PLACE = {"id", "map_id", "team_name", "position_x", "position_y", "updated_at", "updated_by"}
NOTHING = {"map_info": None, "team_positions": {}, "is_visible": False}

row = rows_of("http 17")


TEAMS = {"チーム A": {"x": 12.345, "y": 0}, "A-1 / 後列": {"x": 100, "y": 99.99}, " ' \" <b>": {"x": "5", "y": 7}}


@pytest.fixture(autouse=True)
def _files_of_this_test(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def upload(cast):
    def send(content: bytes | None = None, *, name="room.png", tail="", **fields):
        file = {} if content is None else {"file": SimpleUploadedFile(name, content)}
        return Client().post(f"{PREFIX}/classroom/map/upload{tail}", {**file, **fields})

    return send


@pytest.fixture
def a_map(upload):
    answer = upload(picture())
    assert answer.status_code == 200, answer.content
    return ClassroomMap.objects.get(pk=answer.json()["map_id"])
