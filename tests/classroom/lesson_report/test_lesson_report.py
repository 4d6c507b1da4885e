"""What stands in the report after a lesson."""

import uuid
from datetime import timedelta

from classroom.errors.models import Hint, HintRecipient
from events.models import HelpRequest, NotebookAccess
from lms.models import StudentClass
from tests.classroom.lesson_report.conftest import MINUTE, START


def test_cells(report, at, aoi, ren, stranger):
    at(aoi, 0, cell=1)
    at(aoi, 2, cell=2, status="error")
    at(aoi, 3, cell=2, status="aborted")
    at(aoi, 5, cell=2, status="error")
    at(aoi, 6, cell=2)
    at(aoi, 8, cell=2, status="error")  # after it worked: playing with it
    at(ren, 0, cell=1)
    at(ren, 4, cell=2)
    at(ren, 30, cell=3, status="error")
    at(stranger, 1, cell=1, status="error")
    found = report()
    assert (found.present, found.enrolled, found.runs, found.errors) == (2, 2, 8, 4)
    first, second = found.cells
    assert (first.number, first.students, first.failed, first.times) == ("2", 2, 0, None)
    assert (second.number, second.students, second.failed, second.unsolved) == ("3", 2, 1, 0)
    assert (second.errors, second.tries) == (1.0, 2.0), "means and medians of 2 and 0 errors, of 3 tries and 1"
    assert second.times == (270.0, 300.0, 330.0), "Aoi took six minutes, Ren four"
    assert [cell.number for cell in found.hardest] == ["3"]


def test_a_long_pause_is_no_work(report, at, aoi, ren):
    for student in (aoi, ren):
        at(student, 0, cell=1)
        at(student, 11, cell=2, status="error")
        at(student, 12, cell=2)
    (_, cell) = report().cells
    assert cell.times == (60.0, 60.0, 60.0)


def test_a_few_who_ran_ahead_weigh_less_than_a_class(report, at, enrol, aoi, ren):
    for student in [aoi, ren, *(enrol(f"s{number}@example.com") for number in range(8))]:
        at(student, 1, cell=1, status="error")
        at(student, 2, cell=1)
    for student in (aoi, ren):
        at(student, 9, cell=9, status="error")
        at(student, 10, cell=9)
    assert [cell.number for cell in report().hardest] == ["2", "10"]


def asks(student, minute: float, **fields) -> HelpRequest:
    when = START + minute * MINUTE
    return HelpRequest.objects.create(student=student, asked_at=when, last_asked_at=when, last_heard_at=when, **fields)


def test_who_struggled_and_did_not_ask(report, at, enrol, aoi, ren):
    yui, mei = enrol("yui@example.com"), enrol("mei@example.com", name="Mei")
    for student, errors in ((aoi, 5), (ren, 6), (yui, 2), (mei, 3)):
        for number in range(errors):
            at(student, number, cell=4, status="error")
    at(aoi, 10, cell=4)
    at(yui, 10, cell=4)
    asks(ren, 20, ended_at=START + 21 * MINUTE)
    found = report().struggling
    assert [(one.name, one.errors, one.is_solved, one.number) for one in found] == [
        ("Mei", 3, False, "5"), ("Aoi", 5, True, "5"),
    ]  # fmt: skip


def test_who_hammers_at_a_cell_for_a_moment_did_not_struggle(report, at, aoi):
    for number in range(8):
        at(aoi, 1 + number / 6, cell=4, status="error")
    at(aoi, 2.5, cell=4)
    assert report().struggling == []


def test_a_cell_that_is_hard_for_all_names_only_who_was_caught_longer(report, at, enrol):
    """Eight need five errors and some minutes more each; the slower quarter is named, who lost most time first."""
    for place in range(8):
        student = enrol(f"s{place}@example.com", name=f"Student {place}")
        at(student, 0)
        for number in range(5):
            at(student, 1 + number * (1 + place / 5), cell=4, status="error")
        at(student, 1 + 5 * (1 + place / 5), cell=4)
    assert [one.name for one in report().struggling] == ["Student 7", "Student 6"]


def test_who_never_got_on_comes_first_then_who_lost_most(report, at, enrol):
    for name, minutes, ends in (("short", 1, True), ("long", 3, True), ("never", 0.5, False)):
        student = enrol(f"{name}@example.com", name=name)
        for number in range(6):
            at(student, 1 + number * minutes, cell=len(name), status="error")
        if ends:
            at(student, 1 + 6 * minutes, cell=len(name))
    assert [(one.name, round(one.seconds)) for one in report().struggling] == [
        ("never", 150), ("long", 1080), ("short", 360),
    ]  # fmt: skip


def test_eight_are_named_and_the_rest_is_one_line_away(report, page, at, enrol):
    for place in range(11):
        student = enrol(f"s{place}@example.com", name=f"Student {place:02}")
        for number in range(3 + place):
            at(student, number, cell=place, status="error")
    found = report()
    assert [len(found.struggled_most), len(found.struggled_less)] == [8, 3]
    html = page()
    assert "and 3 more" in html
    assert html.index("Student 03") < html.index("and 3 more") < html.index("Student 02")


def test_a_request_of_another_lesson_does_not_count(report, at, aoi):
    for number in range(3):
        at(aoi, number, status="error")
    asks(aoi, -60, ended_at=START - 50 * MINUTE)
    assert [one.name for one in report().struggling] == ["Aoi"]


def test_waits(report, classroom, hanako, taro, aoi, ren):
    for minute, wait, by in ((0, 1, hanako), (10, 3, hanako), (20, 2, taro)):
        came = START + (minute + wait) * MINUTE
        asks(aoi, minute, claimed_by=by, claimed_at=came, ended_at=came + MINUTE, ending="resolved")
    asks(ren, 5, ended_at=START + 15 * MINUTE, ending="stopped")
    found = report().help
    assert (found.all.requests, found.all.median) == (4, 2.5 * MINUTE)
    assert found.all.p90 == timedelta(seconds=7.9 * 60)
    assert [(one.name, one.requests, one.median) for one in found.by] == [
        ("Hanako", 2, 2 * MINUTE), ("Taro", 1, 2 * MINUTE), ("", 1, 10 * MINUTE),
    ]  # fmt: skip


def test_errors_are_shared_by_their_mistake(report, at, aoi, ren):
    at(aoi, 1, status="error", error_message="NameError: name 'prcie' is not defined")
    at(ren, 2, status="error", error_message="NameError: name 'pirce' is not defined")
    at(ren, 3, status="error", error_message="NameError: name 'pirce' is not defined")
    at(ren, 4, cell=1, status="error", error_message="NameError: name 'pirce' is not defined")
    at(aoi, 5, status="error", error_message="KeyError: 'a'")
    (one,) = report().shared
    assert (one.count, one.runs, one.number, one.line) == (2, 3, "1", "NameError: name 'pirce' is not defined")


def test_whether_hints_helped(report, at, enrol, python_class, hanako, aoi, ren):
    yui = enrol("yui@example.com")
    cell = at(aoi, 1, status="error").cell
    hint = Hint.objects.create(
        nonce=uuid.uuid4(), class_ref=python_class, notebook=cell.notebook, cell=cell, fingerprint="f", text="Look.",
        sent_by=hanako, sent_at=START + 5 * MINUTE,
    )  # fmt: skip
    HintRecipient.objects.bulk_create(HintRecipient(hint=hint, student=student) for student in (aoi, ren, yui))
    at(aoi, 6)
    at(ren, 7, status="error")
    at(yui, 100)
    (one,) = report().hints
    assert (one.told, one.after, one.helped, one.sent_by) == (3, 2, 1, "Hanako")


def test_who_was_absent(report, at, enrol, python_class, notebook, aoi, ren):
    at(aoi, 1)
    reader, helper, newcomer = enrol("reader@example.com"), enrol("helper@example.com"), enrol("new@example.com")
    StudentClass.objects.exclude(student=newcomer).update(joined_at=START - timedelta(days=7))
    NotebookAccess.objects.create(student=reader, notebook=notebook, action="open", accessed_at=START + MINUTE)
    StudentClass.objects.filter(student=helper).update(role="assistant")
    at(ren, 95)
    assert [one.name for one in report().absent] == ["Ren"]
