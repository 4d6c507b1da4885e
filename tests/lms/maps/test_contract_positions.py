"""docs/contract/http.md section 17, row by row: where the teams are."""

import pytest

from lms.models import TeamPosition
from tests.lms.conftest import MISSING, problem, the_problem
from tests.lms.maps.conftest import PLACE, TEAMS, row

pytestmark = pytest.mark.usefixtures("redis")


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
    row("PUT positions a list -> 422", {"positions": []}, problem(["body", "positions"], "dict_type")),
    row("PUT x missing -> 422", {"positions": {"A": {"y": 1}}}, problem(["body", "positions", "A", "x"], "missing")),
    row("PUT y missing -> 422", {"positions": {"A": {"x": 1}}}, problem(["body", "positions", "A", "y"], "missing")),
    row(
        "PUT x below 0 -> 422",
        {"positions": {"A": {"x": -0.01, "y": 1}}},
        problem(["body", "positions", "A", "x"], "greater_than_equal"),
    ),
    row(
        "PUT y above 100 -> 422",
        {"positions": {"A": {"x": 1, "y": 100.01}}},
        problem(["body", "positions", "A", "y"], "less_than_equal"),
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
        problem(["body", "positions", "x" * 256], "string_too_long"),
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
