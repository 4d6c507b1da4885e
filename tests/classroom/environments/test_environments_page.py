"""The page of a class's environments: what differs, who differs, whether errors go with it, how to report."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as django_settings

from classroom.environments.error_shares import ErrorShareComparison, Runs, difference_interval, wilson
from classroom.environments.report_snippet import KEY, snippet
from events.models import CellExecution
from lms.class_keys import create_key
from lms.models import Class, EnvironmentSnapshot, Notebook, Session, Student, StudentClass

DRIFT = re.compile(r'<li class="drift" data-verdict="(\w+)">\s*<h3>([^<]+)</h3>(.*?)</li>', re.S)


@pytest.fixture
def page(signed_in, hanako, python_class):
    client = signed_in(hanako)

    def fetch(rest: str = "", **headers: str) -> str:
        answer = client.get(f"/classes/{python_class.pk}/environments/{rest}", headers=headers)
        assert answer.status_code == 200
        return answer.content.decode()

    return fetch


@pytest.fixture
def report(python_class):
    def make(student: Student, python: str = "3.11.9", *, hours: float = 0, class_ref=python_class, **versions: str):
        return EnvironmentSnapshot.objects.create(
            source="client",
            student=student,
            class_ref=class_ref,
            python_env={"python_version": python},
            versions=versions,
            captured_at=datetime.now(UTC) - timedelta(hours=hours),
        )

    return make


@pytest.fixture
def people(enrol):
    return [enrol(f"s{number}@example.com", name=f"Student {number:02}") for number in range(6)]


def drifts(html: str) -> dict[str, tuple[str, str]]:
    return {name: (verdict, text) for verdict, name, text in DRIFT.findall(html)}


def test_the_tab_is_there(page):
    html = page()
    assert re.search(r'href="/classes/\d+/environments/" aria-current="page"[^>]*>Environments<', html)


def test_who_differs_from_the_commonest_version_is_named(page, report, people):
    for person in people[:4]:
        report(person, numpy="2.1.3", pandas="2.2")
    report(people[4], numpy="1.26", pandas="2.2")
    report(people[5], pandas="2.2")
    found = drifts(page())
    assert set(found) == {"numpy"}
    verdict, text = found["numpy"]
    assert verdict == "few"
    assert re.search(r"Most have <b[^>]*>2\.1\.3</b> \(4\)", text)
    for person in people[4:]:
        assert re.search(rf'data-drawer href="/classes/\d+/students/{person.pk}/">{person.name}<', text)
    assert "not installed" in text
    assert people[0].name not in text


def test_pythons_differ_too(page, report, people):
    for person in people[:5]:
        report(person)
    report(people[5], "3.9.1")
    assert "3.9.1" in drifts(page())["Python"][1]


def test_the_newest_report_counts(page, report, people):
    report(people[0], numpy="1", hours=2)
    report(people[0], numpy="2", hours=1)
    report(people[1], numpy="2")
    html = page()
    assert drifts(html) == {}
    assert "No package differs" in html


def test_what_fewer_than_half_have_is_no_drift(page, report, people):
    for person in people[:4]:
        report(person, numpy="2")
    report(people[4], numpy="2", extra="1")
    html = page()
    assert drifts(html) == {}
    assert re.search(r"<li>extra ", html)


def test_reports_of_other_classes_and_students_do_not_count(page, report, people, stranger, taro):
    other = Class.objects.create(class_code="X", name="X", instructor=taro)
    report(people[0], numpy="1", class_ref=other)
    report(stranger, numpy="3")
    EnvironmentSnapshot.objects.create(source="server", versions={"numpy": "4"})
    assert "Nobody has reported an environment yet" in page()
    report(people[0], numpy="2", class_ref=None)
    assert drifts(page()) == {}


def execute(student: Student, *, runs: int, errors: int, days: float = 1) -> None:
    notebook, _ = Notebook.objects.get_or_create(path="a.ipynb", name="a.ipynb")
    cell, _ = notebook.cells.get_or_create(cell_id="c")
    session, _ = Session.objects.get_or_create(student=student, session_id="s")
    moment = datetime.now(UTC) - timedelta(days=days)
    CellExecution.objects.bulk_create(
        CellExecution(
            student=student, notebook=notebook, cell=cell, session=session, executed_at=moment,
            status="error" if number < errors else "success",
        )
        for number in range(runs)
    )  # fmt: skip


def test_errors_that_go_with_a_version_are_told_with_their_counts(page, report, people):
    for index, person in enumerate(people):
        report(person, numpy="1" if index < 3 else "2", pandas="2" if index else "3")
        execute(person, runs=50, errors=25 if index < 3 else 3)
    execute(people[5], runs=500, errors=500, days=8)
    html = page()
    found = drifts(html)
    verdict, text = found["numpy"]
    # "2" is held as the commonest of two that are equally common: those with "1" differ.
    assert verdict == "more"
    assert "Fails more often" in text
    assert "who differ (3): 50 % of 150 runs" in text
    assert "the others (3): 6 % of 150 runs" in text
    assert next(iter(found)) == "numpy", "what may matter comes first"
    assert found["pandas"][0] == "few"


CRITERION = [
    ((3, 100, 50), (20, 800, 80), "more"),
    ((3, 100, 5), (20, 800, 320), "less"),
    ((3, 100, 14), (20, 800, 80), "alike"),  # 4 points
    ((3, 40, 8), (20, 800, 80), "alike"),  # 10 points, of 40 runs
    ((2, 100, 50), (20, 800, 80), "few"),
    ((3, 29, 29), (20, 800, 80), "few"),
    ((20, 800, 80), (2, 100, 50), "few"),
    ((3, 30, 30), (3, 30, 0), "more"),
    ((5, 62, 9, (8, 12)), (31, 386, 11), "alike"),  # without one student, nothing is left of it
    ((5, 62, 20, (6, 12)), (31, 386, 11), "more"),
    ((31, 386, 11), (5, 62, 9, (8, 12)), "alike"),
    ((0, 0, 0), (0, 0, 0), "few"),
]


@pytest.mark.parametrize(("these", "others", "verdict"), CRITERION)
def test_criterion(these, others, verdict):
    assert ErrorShareComparison(Runs(*these), Runs(*others)).verdict == verdict


def test_intervals_of_the_literature(monkeypatch):
    """Newcombe 1998, table II, (a): 56/70 and 48/80, at 95 %."""
    monkeypatch.setattr("classroom.environments.error_shares.Z", 1.959964)
    low, high = wilson(Runs(1, 70, 56))
    assert (round(low, 3), round(high, 3)) == (0.692, 0.877)
    low, high = difference_interval(Runs(1, 70, 56), Runs(1, 80, 48))
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


def test_one_package_with_all_its_names(page, report, enrol, python_class):
    crowd = [enrol(f"c{number}@example.com", name=f"Crowd {number:02}") for number in range(40)]
    for number, person in enumerate(crowd):
        report(person, numpy="2" if number < 22 else "1", other="1" if number else "2")
    text = drifts(page())["numpy"][1]
    assert text.count("data-drawer") == 12
    assert 'href="?package=numpy"' in text
    found = drifts(page("?package=numpy"))
    assert set(found) == {"numpy"}
    assert found["numpy"][1].count("data-drawer") == 18


def test_who_has_not_reported_is_listed(page, report, people):
    report(people[0], numpy="2")
    silent = page().partition('id="silent"')[2]
    assert people[1].name in silent
    assert people[0].name not in silent


def test_texts_of_reports_are_text_never_markup(page, report, people):
    report(people[0], "<script>alert(1)</script>", numpy="<img src=x>")
    report(people[1], numpy="2")
    html = page()
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "&lt;img src=x&gt;" in html


def test_projected_no_name_is_shown(signed_in, hanako, python_class, report, people):
    report(people[0], numpy="2")
    report(people[1], numpy="1")
    client = signed_in(hanako)
    client.cookies[django_settings.DISPLAY_COOKIE_NAME] = "projector"
    html = client.get(f"/classes/{python_class.pk}/environments/").content.decode()
    assert "Student 0" not in html.replace(f"Student {people[0].pk}", "")
    assert f"Student {people[1].pk}" in html


def test_the_fragment_is_the_state_alone(page, report, people):
    report(people[0], numpy="2")
    fragment = page(**{"X-Requested-With": "fragment"})
    assert 'id="state"' in fragment
    assert "<html" not in fragment


def test_nothing_of_the_page_is_inline(page, report, people):
    report(people[0], numpy="2")
    html = page()
    assert not re.search(r"<style|\sstyle=|\son\w+=", html)


def test_another_instructors_class_does_not_exist(signed_in, taro, python_class):
    assert signed_in(taro).get(f"/classes/{python_class.pk}/environments/").status_code == 404


@pytest.mark.parametrize("drifting", [0, 100])
def test_two_hundred_students_with_a_hundred_packages_cost_six_queries(
    signed_in, hanako, python_class, report, django_assert_num_queries, drifting
):
    crowd = Student.objects.bulk_create([Student(email=f"s{number}@example.com") for number in range(200)])
    StudentClass.objects.bulk_create(
        [
            StudentClass(student=student, class_ref=python_class, name=student.name, team=student.team)
            for student in crowd
        ]
    )
    EnvironmentSnapshot.objects.bulk_create(
        EnvironmentSnapshot(
            source="client",
            student=student,
            class_ref=python_class,
            versions={f"p{p}": str((p + number) % 3 if p < drifting else 0) for p in range(100)},
        )
        for number, student in enumerate(crowd)
    )
    client = signed_in(hanako)
    with django_assert_num_queries(6):
        html = client.get(f"/classes/{python_class.pk}/environments/").content.decode()
    assert len(drifts(html)) == min(drifting, 60)
    assert "200<span" in html
    assert len(html) < 1_500_000


# --- How to report ---------------------------------------------------------------------------------------------------


def test_the_lines_hold_the_class_address(page):
    html = page()
    assert f"http://testserver/api/v1/environment/snapshot?key={KEY}" in html
    assert re.search(r'<details id="report-how" open>', html)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_lines_are_python_in_every_language(client, page, language):
    from django.utils import translation

    with translation.override(language):
        compile(snippet("https://school.example/api"), "cell", "exec")


@pytest.mark.django_db(transaction=True)
def test_the_lines_do_report(live_server, python_class, page):
    _, key = create_key(python_class)
    lines = snippet(f"{live_server.url}/api/v1/environment/snapshot").replace(KEY, key)
    done = subprocess.run(
        [sys.executable, "-I", "-c", lines], input="aoi@example.com\n", capture_output=True, text=True, timeout=60
    )
    assert "Thank you" in done.stdout, done.stderr + done.stdout
    row = EnvironmentSnapshot.objects.get()
    assert (row.student.email, row.class_ref, row.source) == ("aoi@example.com", python_class, "client")
    assert row.versions["django"]
    refused = subprocess.run(
        [sys.executable, "-I", "-c", lines.replace(key, "wrong")],
        input="a\n", capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "refused: Unknown class key" in refused.stdout
