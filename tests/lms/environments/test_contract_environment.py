"""docs/contract/http.md section 10, row by row: the server's environment, and those that students' sides report."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from instructors.models import AuditLog
from lms.environments import collection
from lms.models import EnvironmentAnalysis, EnvironmentSnapshot, Student, StudentClass
from tests.lms.conftest import MISSING_UUID, key_of, problem, the_problem

SNAPSHOT = {
    "snapshot_id", "captured_at", "python_env", "system_env", "jupyter_env", "notebook_path", "cell_id",
    "execution_count", "memory_usage_mb", "cpu_usage_percent", "is_full_snapshot", "changed_packages",
    "collection_duration_ms",
}  # fmt: skip
PYTHON = {
    "python_version", "python_implementation", "python_executable", "virtual_env", "conda_env", "pip_version",
    "key_packages", "total_packages_count",
}  # fmt: skip
SYSTEM = {
    "os_name", "os_version", "platform", "architecture", "hostname", "cpu_count", "memory_total_gb", "disk_free_gb",
}  # fmt: skip
JUPYTER = {"jupyterlab_version", "jupyter_core_version", "ipython_version", "kernel_name", "kernel_id", "extensions"}
REPORT = {"python_version": "3.10.4", "packages": {"NumPy": "2.1.3", "pandas": "2.2.3"}}


def fine(response, status: int = 200) -> dict:
    assert response.status_code == status, response.content
    return response.json()


def kept(api, body=None, path="/environment/snapshot", **more) -> dict:
    return fine(api("POST", path, body, **more), 201)


# --- GET current, summary, packages, health --------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/environment/current", "/environment/current/", "/v1/environment/current"])
def test_current(api, path):
    found = fine(api("GET", path))
    assert set(found) == {"python_version", "system_info", "jupyter_info", "package_summary", "message", "snapshot",
                          "collection_time_ms", "is_full_snapshot"}  # fmt: skip
    assert set(found["snapshot"]) >= SNAPSHOT
    assert set(found["snapshot"]["python_env"]) >= PYTHON
    assert set(found["snapshot"]["system_env"]) >= SYSTEM
    assert set(found["snapshot"]["jupyter_env"]) >= JUPYTER
    assert found["python_version"] == found["snapshot"]["python_env"]["python_version"]
    assert not EnvironmentSnapshot.objects.exists(), "looking keeps nothing"


def test_every_snapshot_has_an_id_of_its_own(api):
    assert len({fine(api("GET", "/environment/current"))["snapshot"]["snapshot_id"] for _ in range(3)}) == 3


def test_summary(api):
    found = fine(api("GET", "/environment/summary"))
    assert set(found) == {"message", "summary", "timestamp"}
    assert set(found["summary"]) >= {"python_version", "platform", "virtual_env", "conda_env"}


def test_packages(api):
    found = fine(api("GET", "/environment/packages"))
    assert set(found) == {"installed_packages", "pip_packages", "conda_packages", "message", "packages",
                          "total_packages_count", "snapshot_id", "collected_at"}  # fmt: skip
    assert len(found["installed_packages"]) == found["total_packages_count"] > len(found["packages"]) > 0
    assert set(found["packages"][0]) == {"name", "version", "location", "requires"}
    assert "Django" in {package["name"] for package in found["packages"]}
    everything = fine(api("GET", "/environment/packages?include_all=true"))
    assert everything["packages"] == everything["installed_packages"]


def test_packages_by_name_without_case(api):
    path = "/environment/packages?package_names=DJANGO&package_names=django_rq&package_names=none"
    found = fine(api("GET", path))
    assert [package["name"].lower() for package in found["installed_packages"]] == ["django", "django-rq"]
    assert [package["name"] for package in found["packages"]] == ["Django"]
    assert found["total_packages_count"] > 2, "never narrowed"


def test_health(api):
    found = fine(api("GET", "/environment/health"))
    assert set(found) == {"health_level", "issues", "recommendations", "message", "health_score", "warnings",
                          "snapshot_id", "checked_at"}  # fmt: skip
    assert 0 <= found["health_score"] <= 1
    assert found["warnings"] == found["issues"]
    assert bool(found["issues"]) is (found["health_score"] < 1)


FAILURES = [
    ("GET", "/environment/current", "Failed to collect current environment"),
    ("GET", "/environment/summary", "Failed to get environment summary"),
    ("GET", "/environment/packages", "Failed to get package information"),
    ("GET", "/environment/health", "Failed to check environment health"),
    ("GET", "/environment/diff", "Failed to get environment diff"),
    ("POST", "/environment/snapshot", "Failed to create environment snapshot"),
    ("POST", "/environment/analyze", "Failed to analyze environment"),
]


@pytest.mark.parametrize(("method", "path", "text"), FAILURES)
def test_what_cannot_be_collected_is_a_500_without_the_reason(api, cast, settings, monkeypatch, method, path, text):
    def fail(**_):
        raise OSError("/secret")

    monkeypatch.setattr(collection, "installed", fail)
    settings.DEBUG = False
    response = api(method, path)
    assert (response.status_code, response.json()) == (500, {"detail": text})


# --- POST snapshot ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/environment/snapshot", "/environment/snapshot/", "/v1/environment/snapshot"])
def test_snapshot_is_kept(api, path):
    found = kept(api, {"notebook_path": "a.ipynb", "cell_id": "c", "execution_count": 3}, path)
    assert set(found) == {"snapshot_id", "collection_time_ms", "summary", "message", "snapshot",
                          "changed_packages_count"}  # fmt: skip
    row = EnvironmentSnapshot.objects.get()
    assert str(row.snapshot_id) == found["snapshot_id"] == found["snapshot"]["snapshot_id"]
    assert (row.source, row.notebook_path, row.cell_id, row.execution_count) == ("server", "a.ipynb", "c", 3)
    assert row.versions["django"]
    assert row.is_full_snapshot, "the first is"
    assert AuditLog.objects.get().action == "environment_snapshot"


def test_snapshot_takes_the_query_instead_of_a_body(api):
    kept(api, path="/environment/snapshot?notebook_path=b.ipynb&execution_count=4&force_full_collection=true")
    row = EnvironmentSnapshot.objects.get()
    assert (row.notebook_path, row.execution_count) == ("b.ipynb", 4)


def test_snapshot_is_full_when_forced_or_after_an_hour(api):
    first = kept(api)
    assert not kept(api)["snapshot"]["is_full_snapshot"]
    assert kept(api, {"force_full_collection": True})["snapshot"]["is_full_snapshot"]
    EnvironmentSnapshot.objects.update(captured_at=datetime.now(UTC) - timedelta(minutes=61))
    assert kept(api)["snapshot"]["is_full_snapshot"]
    assert first["snapshot"]["is_full_snapshot"]


def test_snapshot_says_what_changed(api):
    kept(api)
    before = EnvironmentSnapshot.objects.get()
    before.versions = {**before.versions, "django": "1.0", "gone": "1"}
    before.save()
    found = kept(api)
    assert (found["snapshot"]["changed_packages"], found["changed_packages_count"]) == (["django", "gone"], 2)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"force_full_collection": "perhaps"}, ["body", "force_full_collection"]),
        ({"execution_count": "x"}, ["body", "execution_count"]),
        ({"execution_count": 2**40}, ["body", "execution_count"]),
        ({"environment": []}, ["body", "environment"]),
        ([], ["body"]),
    ],
)
def test_snapshot_refuses(api, body, place):
    assert the_problem(api("POST", "/environment/snapshot", body))["loc"] == place


# --- Reports of students' sides --------------------------------------------------------------------------------------


@pytest.fixture
def key(cast):
    return key_of(cast.python, "python-key")


def test_report_with_a_class_key_is_tied_to_its_student(api, cast, key, locked):
    found = kept(api, {"environment": REPORT, "student_email": "Hanako@example.com"}, key=key)
    row = EnvironmentSnapshot.objects.get()
    assert (row.source, row.student, row.class_ref, row.reported) == ("client", cast.hanako, cast.python, REPORT)
    assert row.versions == {"numpy": "2.1.3", "pandas": "2.2.3"}
    assert found["summary"]["python_version"] == "3.10.4"


def test_report_of_a_newcomer_enrols_as_an_event_does(api, cast, key):
    kept(api, {"environment": REPORT, "emailAddress": "new@example.com"}, path=f"/environment/snapshot?key={key}")
    new = Student.objects.get(email="new@example.com")
    assert StudentClass.objects.get(student=new).class_ref == cast.python
    assert EnvironmentSnapshot.objects.get().student == new


def test_report_without_a_key_is_of_a_student_whom_the_caller_sees(api, cast, locked):
    body = {"environment": REPORT, "student_email": "hanako@example.com"}
    kept(api, body, user=cast.sato)
    assert api("POST", "/environment/snapshot", body, user=cast.suzuki).json() == {"detail": "Student not found"}
    assert api("POST", "/environment/snapshot", body).status_code == 403


def test_key_does_not_show_the_servers_environment(api, key, locked):
    assert the_problem(api("POST", "/environment/snapshot", {}, key=key)) == problem(["body", "environment"], "missing")
    assert api("GET", "/environment/current", key=key).status_code == 403
    assert api("POST", "/environment/snapshot", {"environment": {}}, key="wrong").status_code == 401


LENIENT = [
    ({"packages": [{"name": "A_b", "version": "1"}, {"name": "a-B", "version": "2"}]}, {"a-b": "1"}),
    ({"packages": ["numpy==2.1", "x @ file:///x", "-e git", 5, None]}, {"numpy": "2.1", "x": "file:///x"}),
    ({"pip_packages": {"numpy": "2.1", "odd": 5, "": "1", "<b>": "1"}}, {"numpy": "2.1"}),
    ({"python_env": {"key_packages": [{"name": "numpy", "version": "2.1"}]}}, {"numpy": "2.1"}),
    ({"packages": "numpy"}, {}),
    ({"python_env": 5, "packages": [[]]}, {}),
    ({}, {}),
]


@pytest.mark.parametrize(("report", "versions"), LENIENT, ids=[str(index) for index in range(len(LENIENT))])
def test_report_is_read_as_far_as_it_can_be_and_kept_as_given(api, cast, report, versions):
    kept(api, {"environment": report})
    row = EnvironmentSnapshot.objects.get()
    assert (row.versions, row.reported) == (versions, report)


def test_report_that_postgresql_cannot_hold_is_held_as_well_as_it_can(api, cast):
    kept(api, {"environment": {"packages": {"numpy": "2\0"}, "n\0": ["\ud800"]}})
    assert EnvironmentSnapshot.objects.get().reported == {"packages": {"numpy": "2\ufffd"}, "n\ufffd": ["\ufffd"]}


@pytest.mark.parametrize("report", [{"x": "x" * 300_000}, {"x": [[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]}])
def test_report_that_is_too_large(api, cast, report):
    assert api("POST", "/environment/snapshot", {"environment": report}).status_code == 413


# --- diff ------------------------------------------------------------------------------------------------------------


def of_server(hours: float, **versions: str) -> EnvironmentSnapshot:
    moment = datetime.now(UTC) - timedelta(hours=hours)
    packages = [{"name": n, "version": v, "location": None, "requires": []} for n, v in versions.items()]
    return EnvironmentSnapshot.objects.create(captured_at=moment, packages=packages, versions=versions)


def test_diff_of_two(api, db):
    old, new = of_server(2, a="1", b="1", c="1"), of_server(1, b="2", c="1", d="1")
    body = {"from_snapshot_id": str(old.snapshot_id), "to_snapshot_id": str(new.snapshot_id)}
    for path in ("/environment/diff", "/environment/diff/", "/v1/environment/diff"):
        found = fine(api("POST", path, body))
    assert found["added_packages"] == [{"name": "d", "version": "1"}]
    assert found["removed_packages"] == [{"name": "a", "version": "1"}]
    assert found["version_changes"] == [{"name": "b", "old_version": "1", "new_version": "2"}]
    assert found["diff"]["updated_packages"] == found["version_changes"]
    assert (found["from_snapshot_id"], found["to_snapshot_id"]) == tuple(body.values())
    assert found["changes_detected"] is True
    assert len(found["changes"]) == 3


def test_diff_with_now(api):
    first = kept(api)["snapshot_id"]
    found = fine(api("POST", "/environment/diff", {"from_snapshot_id": first}))
    assert (found["changes_detected"], found["changes"]) == (False, [])
    assert found["to_snapshot_id"] != first
    assert fine(api("GET", f"/environment/diff?from_snapshot_id={first}"))["from_snapshot_id"] == first


def test_diff_with_what_was_only_looked_at(api, redis):
    shown = fine(api("GET", "/environment/current"))["snapshot"]["snapshot_id"]
    assert fine(api("POST", "/environment/diff", {"from_snapshot_id": shown}))["changes_detected"] is False


def test_diff_with_so_many_hours_ago(api, db):
    old, older, young = of_server(30), of_server(50), of_server(1)
    assert fine(api("GET", "/environment/diff"))["from_snapshot_id"] == str(old.snapshot_id)
    assert fine(api("GET", "/environment/diff?hours_back=40"))["from_snapshot_id"] == str(older.snapshot_id)
    assert fine(api("GET", "/environment/diff?hours_back=1"))["from_snapshot_id"] == str(young.snapshot_id)
    assert fine(api("GET", "/environment/diff?hours_back=168"))["from_snapshot_id"] == str(older.snapshot_id)


def test_diff_without_an_earlier_snapshot(api, db):
    found = fine(api("GET", "/environment/diff"))
    assert uuid.UUID(found.pop("current_snapshot_id"))
    assert found == {"message": "No previous snapshot available for comparison", "changes_detected": False}


def test_diff_of_a_report_is_with_the_students_latest(api, cast):
    body = {"student_email": "hanako@example.com", "environment": {"packages": {"numpy": "1"}}}
    first = kept(api, body)["snapshot_id"]
    kept(api, {**body, "environment": {"packages": {"numpy": "2"}}})
    found = fine(api("POST", "/environment/diff", {"from_snapshot_id": first}))
    assert found["version_changes"] == [{"name": "numpy", "old_version": "1", "new_version": "2"}]
    assert found["added_packages"] == []


@pytest.mark.parametrize("unknown", [MISSING_UUID, "nothing", ""])
def test_diff_of_what_is_not_there(api, db, unknown):
    response = api("POST", "/environment/diff", {"from_snapshot_id": unknown})
    assert (response.status_code, response.json()["detail"]) == (404, f"Snapshot {unknown} not found")


def test_diff_refuses(api, db):
    assert the_problem(api("POST", "/environment/diff", {}))["loc"] == ["body", "from_snapshot_id"]
    for hours in ("0", "169", "x"):
        assert the_problem(api("GET", f"/environment/diff?hours_back={hours}"))["loc"] == ["query", "hours_back"]


def test_report_of_another_class_does_not_exist(api, cast, locked):
    row = EnvironmentSnapshot.objects.create(source="client", student=cast.hanako, class_ref=cast.python)
    body = {"from_snapshot_id": str(row.snapshot_id)}
    assert api("POST", "/environment/diff", body, user=cast.suzuki).status_code == 404
    target = {"target_snapshot_id": str(row.snapshot_id)}
    assert api("POST", "/environment/analyze", target, user=cast.suzuki).status_code == 404
    assert api("POST", "/environment/diff", body, user=cast.sato).status_code == 200


# --- analyze ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [None, {}, {"analysis_type": "performance"}])
def test_analyze(api, db, body):
    found = fine(api("POST", "/environment/analyze", body))
    assert set(found) == {"analysis_id", "findings", "recommendations", "message", "analysis", "snapshot_id",
                          "analyzed_at"}  # fmt: skip
    assert set(found["analysis"]) == {"performance_indicators", "compatibility_info", "overall_score",
                                      "analysis_summary"}  # fmt: skip
    row = EnvironmentAnalysis.objects.get()
    assert (str(row.analysis_id), str(row.snapshot.snapshot_id)) == (found["analysis_id"], found["snapshot_id"])
    assert row.analysis_type == (body or {}).get("analysis_type", "full")


def test_analyze_a_target(api, cast, redis):
    report = {"python_version": "3.8.1", "packages": [{"name": "a", "version": "1", "requires": ["numpy>=2", "a<3"]}]}
    target = kept(api, {"environment": report})["snapshot_id"]
    found = fine(api("POST", "/environment/analyze", {"target_snapshot_id": target}))
    assert found["snapshot_id"] == target
    assert found["findings"] == [
        "Python 3.8 gets no security fixes any more since 2024-10-31",
        "a requires numpy, which is not installed",
    ]
    assert found["analysis"]["overall_score"] == 0.6
    shown = fine(api("GET", "/environment/current"))["snapshot"]["snapshot_id"]
    assert fine(api("POST", "/environment/analyze", {"target_snapshot_id": shown}))["snapshot_id"] == shown


def test_analyze_an_unknown_target(api, db):
    assert api("POST", "/environment/analyze", {"target_snapshot_id": str(uuid.uuid4())}).status_code == 404
