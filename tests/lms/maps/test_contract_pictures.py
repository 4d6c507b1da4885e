"""docs/contract/http.md section 17, row by row: pictures come in and go out."""

import re

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from tests.lms.conftest import PREFIX, problem, the_problem
from tests.lms.maps.conftest import FIELDS, NOTHING, row
from tests.lms.notebooks.pictures import FIELD, opened, picture

pytestmark = pytest.mark.usefixtures("redis")


def test_post_upload(api, upload):
    answer = upload(picture("PNG", (3000, 300)), name="教室 3.png", uploaded_by="sato@school.example")
    told = answer.json()
    assert answer.status_code == 200
    assert set(told) == {"success", "message", "map_id", "image_url"}
    assert told["success"] is True
    assert re.fullmatch(r"/static/maps/classroom_map_[0-9a-f-]{36}\.jpg", told["image_url"])
    view = api("GET", "/classroom/map").json()
    assert set(view) == {"map_info", "team_positions", "is_visible"}
    assert view["is_visible"] is True
    assert view["team_positions"] == {}
    info = view["map_info"]
    assert set(info) == FIELDS
    assert info["id"] == told["map_id"]
    assert info["image_url"] == told["image_url"]
    assert info["image_filename"] == told["image_url"].rpartition("/")[2]
    assert (info["original_filename"], info["uploaded_by"]) == ("教室 3.png", "sato@school.example")
    assert (info["is_active"], info["content_type"], info["team_positions"]) == (True, "image/jpeg", [])
    content = Client().get(told["image_url"]).content
    assert info["file_size_bytes"] == len(content)
    assert opened(content).size == (2048, 205)


REFUSED = [
    row("POST upload bad type -> 400", "room.gif", picture("GIF"), "Unsupported file type"),
    row("POST upload another type inside -> 400", "room.png", picture("GIF"), "not a readable"),
    row("POST upload an AVIF -> 400", "room.jpg", (FIELD / "pic_avif.jpg").read_bytes(), "the file is an AVIF"),
    row("POST upload text as picture -> 400", "room.jpg", b"text", "not a readable"),
    row("POST upload empty file -> 400", "room.jpg", b"", "not a readable"),
    row("POST upload cut short -> 400", "room.png", picture("PNG", (300, 300))[:150], "not a readable"),
    row("POST upload > 10 MiB -> 400", "room.png", b"x" * (10 * 1024**2 + 1), "exceeds the maximum size of 10 MiB"),
    row("POST upload far > 10 MiB -> 400", "room.png", b"x" * (11 * 1024**2), "exceeds the maximum size of 10 MiB"),
]


@pytest.mark.parametrize(("name", "content", "text"), REFUSED)
def test_refused_with_a_text(api, upload, name, content, text):
    answer = upload(content, name=name)
    assert answer.status_code == 400
    assert text in answer.json()["detail"]
    assert api("GET", "/classroom/map").json() == NOTHING
    assert not default_storage.exists("maps") or not default_storage.listdir("maps")[1]


@pytest.mark.parametrize(
    "name", ["plan.jfif", "plan.jpe", "plan.jpg_", "plan.jpg_large", "plan.gif", "plan.exe", "plan", "教室", "plan."]
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_content_decides_and_not_the_name(upload, name, kind):
    answer = upload(picture(kind), name=name)
    assert answer.status_code == 200, answer.content
    red, green, blue = opened(Client().get(answer.json()["image_url"]).content).getpixel((20, 10))
    assert red > 240
    assert max(green, blue) < 20


def test_post_upload_no_file_422(upload, cast, client):
    assert the_problem(upload(None)) == problem(["body", "file"], "missing")
    assert the_problem(upload(None, file="text")) == problem(["body", "file"], "value_error")
    assert the_problem(client.post(f"{PREFIX}/classroom/map/upload")) == problem(["body", "file"], "missing")


def test_post_upload_broken_multipart_422(client, db):
    answer = client.generic(
        "POST", f"{PREFIX}/classroom/map/upload", b"--x\r\n", content_type="multipart/form-data; boundary="
    )
    assert answer.status_code == 422


@pytest.mark.parametrize("prefix", [f"{PREFIX}/classroom/map/image/", "/static/maps/"])
def test_get_image(a_map, prefix):
    answer = Client().get(prefix + a_map.image_filename)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer.content[:3] == b"\xff\xd8\xff"


@pytest.mark.parametrize("developing", [True, False])
def test_static_files_do_not_stand_before_the_pictures(a_map, settings, tmp_path, developing):
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATIC_ROOT.mkdir()
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = developing
    assert Client().get(a_map.image_url)["Content-Type"] == "image/jpeg"


@pytest.mark.parametrize("accept", ["image/avif,image/webp", "text/html", "application/json", "nonsense"])
def test_get_image_whatever_the_client_would_like(a_map, accept):
    assert Client().get(a_map.image_url, headers={"accept": accept}).status_code == 200
    assert Client().get("/static/maps/x.jpg", headers={"accept": accept}).json() == {"detail": "Image not found"}


@pytest.mark.parametrize("prefix", [f"{PREFIX}/classroom/map/image/", "/static/maps/"])
@pytest.mark.parametrize(
    "name",
    [
        "classroom_map_00000000-0000-0000-0000-000000000000.jpg",
        "..",
        "..%2F..%2Fsecret_key",
        "%2Fetc%2Fpasswd",
        "../../secret_key",
        "%00.jpg",
        "....//secret_key",
    ],
)
def test_get_image_unknown_and_no_path_traversal(db, tmp_path, prefix, name):
    (tmp_path / "secret_key").write_text("not for you")
    answer = Client().get(prefix + name)
    assert answer.status_code == 404
    assert b"not for you" not in answer.content


def test_get_image_of_a_plain_map_is_nobodys(api):
    api("POST", "/classroom/map/create-default")
    assert Client().get(f"{PREFIX}/classroom/map/image/").status_code in (404, 405)
    assert Client().get("/static/maps/").status_code == 404


def test_get_image_whose_file_is_lost_is_404(a_map):
    default_storage.delete(f"maps/{a_map.image_filename}")
    assert Client().get(a_map.image_url).status_code == 404
