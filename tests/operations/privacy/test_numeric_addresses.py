"""Schools call students by numbers. Whoever has such an address is not the student whose row has that number: what is
handed out or erased of the one is nothing of the other."""

import io
import json
import uuid
import zipfile
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from classroom.analytics.models import AnalyticsReport
from events.models import OfflineQueueEntry
from instructors import audit
from instructors.models import AuditLog
from lms.models import ProgressNotification, Student
from operations.privacy import erasure, student_export
from operations.privacy.person import find_person
from tests.events.conftest import event_pipeline  # noqa: F401 - a fixture


@pytest.fixture(params=[101, 20231234])
def numbered(event_pipeline, request) -> Student:  # noqa: F811
    return Student.objects.create(pk=request.param, email="ken@example.com")


@pytest.fixture
def addressed(numbered) -> Student:
    return Student.objects.create(pk=7, email=str(numbered.pk))


def leave_traces(student: Student) -> None:
    OfflineQueueEntry.objects.create(event_data={}, user_id=student.email)
    ProgressNotification.objects.create(notification_id=uuid.uuid4(), recipient_id=student.email, title=student.email)
    AnalyticsReport.objects.create(report_type="student", parameters={"student_id": student.pk})
    audit.record(action="student_view", actor=None, request=None, target_type="student", target_id=student.pk)


def left() -> tuple[list, list, list]:
    return (
        list(OfflineQueueEntry.objects.values_list("user_id", flat=True)),
        [report.parameters["student_id"] for report in AnalyticsReport.objects.all()],
        sorted(AuditLog.objects.filter(action="student_view").values_list("target_id", flat=True)),
    )


@pytest.mark.parametrize("which", ["numbered", "addressed"])
def test_what_goes_and_what_is_handed_out_is_of_one_of_the_two(numbered, addressed, which, tmp_path):
    leave_traces(numbered)
    leave_traces(addressed)
    gone, stays = (numbered, addressed) if which == "numbered" else (addressed, numbered)
    person = find_person(gone.email)
    student_export.export(person, to=tmp_path / "all.zip", now=datetime.now(UTC))
    archive = zipfile.ZipFile(tmp_path / "all.zip")
    reports = json.loads(archive.read("tables/analytics_reports.json"))
    assert [report["parameters"]["student_id"] for report in reports] == [gone.pk]
    assert [row["user_id"] for row in json.loads(archive.read("tables/offline_queue_entries.json"))] == [gone.email]
    assert [row["target_id"] for row in json.loads(archive.read("audit.json"))] == [str(gone.pk)]
    erasure.forget(person, keep_grades=True, now=datetime.now(UTC))
    numbers = sorted([str(numbered.pk), str(addressed.pk)])
    assert [each.recipient_id for each in ProgressNotification.objects.all()] == [stays.email]
    assert left() == ([stays.email], [stays.pk], numbers)


@pytest.mark.parametrize("command", ["export_student", "forget_student"])
def test_a_command_asks_which_of_the_two(numbered, addressed, command):
    told = f"{numbered.pk} is the address of student 7 and the number of ken@example.com: say which, with --id 7 or"
    with pytest.raises(CommandError, match=f"^{told} --id {numbered.pk}[.]$"):
        call_command(command, str(numbered.pk))


@pytest.mark.parametrize("command", ["export_student", "forget_student"])
def test_a_command_takes_one_of_address_and_number(numbered, command):
    for given in ([], ["ken@example.com", "--id", "5"]):
        with pytest.raises(CommandError, match="Give an address, or the number of a student with --id"):
            call_command(command, *given)
    for number in ("999", "-1", "99999999999999999999"):
        with pytest.raises(CommandError, match=f"No student has the number {number}"):
            call_command(command, f"--id={number}")


def test_export_by_number(numbered, addressed, tmp_path):
    for student in (numbered, addressed):
        file = tmp_path / f"{student.pk}.zip"
        call_command("export_student", "--id", str(student.pk), to=file, stdout=io.StringIO())
        assert json.loads(zipfile.ZipFile(file).read("student.json"))[0]["email"] == student.email


def test_a_number_that_is_no_address_is_said_to_be_one(numbered):
    told = f"No student has the address {numbered.pk}. Student {numbered.pk} is ken@example.com: .* --id {numbered.pk}"
    with pytest.raises(CommandError, match=told):
        call_command("export_student", str(numbered.pk))
    said = io.StringIO()
    call_command("forget_student", str(numbered.pk), dry_run=True, stdout=said)
    assert f"for that one say --id {numbered.pk}" in said.getvalue()


def test_forget_by_number(numbered, addressed):
    call_command("forget_student", "--id", "7", yes=True, stdout=io.StringIO())
    assert list(Student.objects.values_list("email", flat=True)) == ["ken@example.com"]
