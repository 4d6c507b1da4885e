"""docs/contract/http.md section 17, row by row."""

import re

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from lms.models import ClassroomMap, ClassStaff, TeamPosition
from tests.lms.conftest import MISSING, PREFIX, problem, rows_of, the_problem
from tests.lms.pictures import opened, picture

FIELDS = {
    "id", "image_filename", "image_url", "original_filename", "uploaded_at", "uploaded_by", "is_active",
    "file_size_bytes", "content_type", "team_positions",
}  # fmt: skip
PLACE = {"id", "map_id", "team_name", "position_x", "position_y", "updated_at", "updated_by"}
NOTHING = {"map_info": None, "team_positions": {}, "is_visible": False}

row = rows_of("http 17")
pytestmark = pytest.mark.usefixtures("redis")


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


def test_get_without_a_map(api):
    answer = api("GET", "/classroom/map")
    assert (answer.status_code, answer.json()) == (200, NOTHING)


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


def test_post_upload_no_file_422(upload, cast, client):
    assert the_problem(upload(None)) == problem(["body", "file"], "missing")
    assert the_problem(upload(None, file="text")) == problem(["body", "file"], "value_error")
    assert the_problem(client.post(f"{PREFIX}/classroom/map/upload")) == problem(["body", "file"], "missing")


def test_post_upload_broken_multipart_422(client, db):
    answer = client.generic(
        "POST", f"{PREFIX}/classroom/map/upload", b"--x\r\n", content_type="multipart/form-data; boundary="
    )
    assert answer.status_code == 422


def test_a_new_map_becomes_the_only_active_one(api, upload, a_map):
    upload(picture())
    a_map.refresh_from_db()
    assert not a_map.is_active
    assert ClassroomMap.objects.filter(is_active=True).count() == 1
    assert Client().get(a_map.image_url).status_code == 200, "the old one is still in the list, with its picture"


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


TEAMS = {"チーム A": {"x": 12.345, "y": 0}, "A-1 / 後列": {"x": 100, "y": 99.99}, " ' \" <b>": {"x": "5", "y": 7}}


def test_put_positions(api, a_map):
    answer = api("PUT", f"/classroom/map/{a_map.pk}/positions", {"positions": TEAMS, "updated_by": "sato"})
    told = answer.json()
    assert answer.status_code == 200
    assert set(told) == {"success", "message", "updated_teams"}
    assert set(told["updated_teams"]) == set(TEAMS)
    view = api("GET", "/classroom/map").json()
    assert view["team_positions"]["A-1 / 後列"] == {"x": 100.0, "y": 99.99}
    assert view["team_positions"]["チーム A"]["x"] == pytest.approx(12.35, abs=0.011)
    for place in view["map_info"]["team_positions"]:
        assert set(place) == PLACE
        assert isinstance(place["position_x"], float)
        assert (place["map_id"], place["updated_by"]) == (a_map.pk, "sato")


def test_put_positions_is_an_upsert_that_leaves_unnamed_teams(api, a_map):
    path = f"/classroom/map/{a_map.pk}/positions"
    api("PUT", path, {"positions": {"A": {"x": 1, "y": 2}, "B": {"x": 3, "y": 4}}})
    answer = api("PUT", path, {"positions": {"B": {"x": 5, "y": 6}, "C": {"x": 7, "y": 8}}})
    assert sorted(answer.json()["updated_teams"]) == ["B", "C"]
    places = api("GET", "/classroom/map").json()["team_positions"]
    assert places == {"A": {"x": 1, "y": 2}, "B": {"x": 5, "y": 6}, "C": {"x": 7, "y": 8}}


def test_put_no_positions_changes_nothing(api, a_map):
    answer = api("PUT", f"/classroom/map/{a_map.pk}/positions", {"positions": {}})
    assert answer.json()["updated_teams"] == []


BAD = [
    row("PUT positions missing -> 422", {}, problem(["body", "positions"], "missing")),
    row("PUT positions null -> 422", {"positions": None}, problem(["body", "positions"], "null_not_allowed")),
    row("PUT positions a list -> 422", {"positions": []}, problem(["body", "positions"], "not_a_dict")),
    row("PUT x missing -> 422", {"positions": {"A": {"y": 1}}}, problem(["body", "positions", "A", "x"], "missing")),
    row("PUT y missing -> 422", {"positions": {"A": {"x": 1}}}, problem(["body", "positions", "A", "y"], "missing")),
    row(
        "PUT x below 0 -> 422",
        {"positions": {"A": {"x": -0.01, "y": 1}}},
        problem(["body", "positions", "A", "x"], "min_value"),
    ),
    row(
        "PUT y above 100 -> 422",
        {"positions": {"A": {"x": 1, "y": 100.01}}},
        problem(["body", "positions", "A", "y"], "max_value"),
    ),
    row(
        "PUT x no number -> 422",
        {"positions": {"A": {"x": "left", "y": 1}}},
        problem(["body", "positions", "A", "x"], "value_error"),
    ),
    row(
        "PUT x infinite -> 422",
        {"positions": {"A": {"x": "inf", "y": 1}}},
        problem(["body", "positions", "A", "x"], "value_error"),
    ),
    row("PUT place no object -> 422", {"positions": {"A": 5}}, problem(["body", "positions", "A"], "value_error")),
    row(
        "PUT blank team -> 422",
        {"positions": {" ": {"x": 1, "y": 1}}},
        problem(["body", "positions", " "], "string_too_short"),
    ),
    row(
        "PUT team with NUL -> 422",
        {"positions": {"a\0": {"x": 1, "y": 1}}},
        problem(["body", "positions", "a\0"], "null_characters_not_allowed"),
    ),
    row(
        "PUT long team -> 422",
        {"positions": {"x" * 256: {"x": 1, "y": 1}}},
        problem(["body", "positions", "x" * 256], "max_length"),
    ),
    row(
        "PUT too many teams -> 422",
        {"positions": {f"t{n}": {"x": 1, "y": 1} for n in range(501)}},
        problem(["body", "positions"], "too_long"),
    ),
    row(
        "PUT number as updated_by -> 422",
        {"positions": {}, "updated_by": 5},
        problem(["body", "updated_by"], "value_error"),
    ),
]


@pytest.mark.parametrize(("body", "expected"), BAD)
def test_put_positions_unprocessable(api, a_map, body, expected):
    assert the_problem(api("PUT", f"/classroom/map/{a_map.pk}/positions", body)) == expected
    assert not TeamPosition.objects.exists()


def test_one_bad_place_keeps_the_others_off_too(api, a_map):
    body = {"positions": {"A": {"x": 1, "y": 1}, "B": {"x": 101, "y": 1}}}
    assert api("PUT", f"/classroom/map/{a_map.pk}/positions", body).status_code == 422
    assert not TeamPosition.objects.exists()


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_an_unknown_map_is_404(api, cast, method):
    path = f"/classroom/map/{MISSING}" + ("/positions" if method == "PUT" else "")
    answer = api(method, path, {"positions": {}} if method == "PUT" else None)
    assert (answer.status_code, answer.json()) == (404, {"detail": f"Map with id {MISSING} not found"})
    assert api(method, path.replace(str(MISSING), "abc"), {}).status_code == 422


def test_delete(api, a_map, django_capture_on_commit_callbacks):
    api("PUT", f"/classroom/map/{a_map.pk}/positions", {"positions": TEAMS})
    with django_capture_on_commit_callbacks(execute=True):
        answer = api("DELETE", f"/classroom/map/{a_map.pk}")
    assert answer.status_code == 200
    assert set(answer.json()) == {"success", "message"}
    assert api("GET", "/classroom/map").json() == NOTHING
    assert Client().get(a_map.image_url).status_code == 404
    assert not default_storage.exists(f"maps/{a_map.image_filename}")
    assert not TeamPosition.objects.exists()


def test_create_default(api, a_map):
    answer = Client().post(f"{PREFIX}/classroom/map/create-default", {"instructor_id": "7"})
    view = answer.json()
    assert answer.status_code == 200
    assert view["is_visible"] is True
    assert view["team_positions"] == {}
    info = view["map_info"]
    assert (info["image_filename"], info["image_url"], info["content_type"]) == ("", "", None)
    assert (info["uploaded_by"], info["is_active"]) == ("7", True)
    assert api("GET", "/classroom/map").json() == view
    assert api("POST", "/classroom/map/create-default").json()["map_info"]["uploaded_by"] is None


def test_list_newest_first(api, upload, django_assert_max_num_queries):
    made = [upload(picture()).json()["map_id"] for _ in range(12)]
    with django_assert_max_num_queries(2):
        found = api("GET", "/classroom/maps").json()
    assert [each["id"] for each in found] == made[:1:-1]
    assert [each["is_active"] for each in found] == [True, *[False] * 9]
    assert set(found[0]) == FIELDS
    assert len(api("GET", "/classroom/maps?limit=100").json()) == 12
    assert len(api("GET", "/classroom/maps?limit=1").json()) == 1


@pytest.mark.parametrize("limit", ["0", "101", "x"])
def test_list_bounds(api, limit):
    assert api("GET", f"/classroom/maps?limit={limit}").json()["detail"][0]["loc"] == ["query", "limit"]


@pytest.mark.parametrize("prefix", ["", "/v1"])
@pytest.mark.parametrize("tail", ["", "/"])
def test_every_form_of_the_path(api, upload, a_map, prefix, tail):
    assert api("GET", f"{prefix}/classroom/map{tail}").status_code == 200
    assert api("GET", f"{prefix}/classroom/maps{tail}").status_code == 200
    assert Client().get(f"{PREFIX}{prefix}/classroom/map/image/{a_map.image_filename}{tail}").status_code == 200
    body = {"positions": {}}
    assert api("PUT", f"{prefix}/classroom/map/{a_map.pk}/positions{tail}", body).status_code == 200
    assert Client().post(f"{PREFIX}{prefix}/classroom/map/create-default{tail}").status_code == 200
    assert api("DELETE", f"{prefix}/classroom/map/{a_map.pk}{tail}").status_code == 200
    assert upload(picture(), tail=tail).status_code == 200


# --- Maps of classes: not what these endpoints are about ------------------------------------------------------------


@pytest.fixture
def class_map(cast, upload, a_map):
    """The picture belongs to the Python class now."""
    ClassroomMap.objects.filter(pk=a_map.pk).update(class_ref=cast.python)
    return a_map


def test_the_map_of_a_class_is_not_the_shared_one(api, class_map, upload):
    assert api("GET", "/classroom/map").json() == NOTHING
    assert api("GET", "/classroom/maps").json() == []
    assert api("DELETE", f"/classroom/map/{class_map.pk}").status_code == 404
    assert api("PUT", f"/classroom/map/{class_map.pk}/positions", {"positions": {}}).status_code == 404
    upload(picture())
    class_map.refresh_from_db()
    assert class_map.is_active


def picture_as(account, address) -> int:
    client = Client()
    if account is not None:
        client.force_login(account)
    return client.get(address).status_code


def test_a_class_picture_is_for_those_who_see_the_class(cast, class_map, locked, upload):
    address = class_map.image_url
    found = [picture_as(who, address) for who in (None, cast.gone, cast.suzuki, cast.sato, cast.admin)]
    assert found == [403, 403, 404, 200, 200]
    ClassStaff.objects.create(class_ref=cast.python, instructor=cast.suzuki, role="assistant")
    assert picture_as(cast.suzuki, address) == 200


def test_locked_the_picture_of_no_class_is_for_every_instructor(api, cast, a_map, locked):
    assert [picture_as(who, a_map.image_url) for who in (None, cast.suzuki)] == [403, 200]
    assert api("GET", f"/classroom/map/image/{a_map.image_filename}", user=cast.suzuki).status_code == 200
