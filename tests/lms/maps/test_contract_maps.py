"""docs/contract/http.md section 17, row by row: the map, its list, and whose it is."""

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from lms.models import ClassroomMap, ClassStaff, TeamPosition
from tests.lms.conftest import PREFIX
from tests.lms.maps.conftest import FIELDS, NOTHING, TEAMS
from tests.lms.notebooks.pictures import picture

pytestmark = pytest.mark.usefixtures("redis")


def test_get_without_a_map(api):
    answer = api("GET", "/classroom/map")
    assert (answer.status_code, answer.json()) == (200, NOTHING)


def test_a_new_map_becomes_the_only_active_one(api, upload, a_map):
    upload(picture())
    a_map.refresh_from_db()
    assert not a_map.is_active
    assert ClassroomMap.objects.filter(is_active=True).count() == 1
    assert Client().get(a_map.image_url).status_code == 200, "the old one is still in the list, with its picture"


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
