"""`forget_student`: afterwards a search through everything finds nobody; what belongs to others is whole."""

import io
from pathlib import Path

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from rq import Queue, SimpleWorker

from config.privacy import erasure
from events import jobs, points, stream, waiting
from events.models import CellExecution, OfflineQueueEntry, StudentEvent
from events.points import server
from instructors.models import AuditLog, Instructor, ProgressNotification
from instructors.student_notes import StudentNote
from lms.models import AssignmentSubmission, Session, Student
from lms.models.versions import StoredNotebook
from tests.config.person import EMAIL, LONGER, NAME, NICKNAME, OTHER, Lesson, leave_traces
from tests.config.traces import files_naming, keys_naming, rows_naming
from tests.events.conftest import event, river  # noqa: F401 - a fixture
from tests.influx import parse, recording


@pytest.fixture
def media(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture
def lesson(river, media) -> Lesson:  # noqa: F811
    return leave_traces(river)


def forget(email: str = EMAIL, **options: object) -> str:
    out = io.StringIO()
    call_command("forget_student", email, yes=True, stdout=out, **options)
    return out.getvalue()


def of_others(found: list[str]) -> list[str]:
    """Without those whose address only looks like hers."""
    return [place for place in found if LONGER not in place]


def test_there_is_something_to_find(lesson, redis):
    """The search itself: else it would find nothing for the wrong reason."""
    tables = {place.partition(".")[0] for place in rows_naming(EMAIL, NAME)}
    assert len(tables) >= 14, tables
    keys = {key.partition(":")[0] for key in keys_naming(redis, EMAIL, NAME)}
    assert keys >= {"river", "points", "live", "test-events"}


def test_nothing_names_the_person_afterwards(lesson, redis, media):
    said = forget(also=[NICKNAME])
    assert of_others(rows_naming(EMAIL, NAME, NICKNAME)) == []
    assert keys_naming(redis, EMAIL, NAME) == []
    assert redis.zrange("live:progress", 0, -1) == [b"other"]
    assert files_naming(media, EMAIL, NAME) == []
    assert "Done" in said
    assert not connection.check_constraints()


def test_what_belongs_to_others_is_whole(lesson, redis, media):
    counts = {model: model.objects.filter(student=lesson.ren).count() for model in (CellExecution, StudentEvent)}
    forget()
    assert {model: model.objects.filter(student=lesson.ren).count() for model in counts} == counts
    assert Student.objects.filter(email__in=[OTHER, LONGER]).count() == 2
    output = CellExecution.objects.get(student=lesson.ren).output
    assert output.endswith(f"\n{LONGER}")
    assert output.startswith("forgotten-")
    theirs = AssignmentSubmission.objects.get(student=lesson.ren)
    assert (theirs.grade, theirs.feedback.startswith("As good as forgotten-")) == (7, True)
    assert [e.email for e in waiting.events(redis)] == [OTHER]
    [(_, point)] = redis.xrange("points:waiting")
    assert f"userId={OTHER}," in point[b"l"].decode()
    assert points.standing().waiting == 1
    assert cache.get("somebody") == {"of": "Ren"}
    assert (media / "maps/room.jpg").exists()
    assert OfflineQueueEntry.objects.get().user_id == OTHER
    assert [stored.sha256[0] for stored in StoredNotebook.objects.all()] == ["b"]
    assert not ProgressNotification.objects.exists()


def test_the_event_that_stays_in_the_stream_is_carried(lesson, redis, river):  # noqa: F811
    before = CellExecution.objects.filter(student=lesson.ren).count()
    forget()
    river.flow()
    assert CellExecution.objects.filter(student=lesson.ren).count() == before + 1
    held = sum(int(redis.get(f"river:{{{int(shard)}}}:bytes") or 0) for shard in redis.smembers(stream.SHARDS_KEY))
    assert held == 0


def test_a_grade_stays_under_a_pseudonym_without_the_work(lesson):
    forget()
    kept = AssignmentSubmission.objects.get(pk=lesson.graded.pk)
    assert (kept.grade, kept.status, kept.submitted_at) == (9.5, "graded", lesson.graded.submitted_at)
    assert (kept.notebook_content, kept.feedback, kept.submission_comment, kept.content_sha256) == (None,) * 4
    student = Student.objects.get(pk=lesson.hanako.pk)
    assert student.email.startswith("forgotten-")
    assert (student.name, student.team, student.execution_count, student.last_activity_at) == (None, None, 0, None)
    assert not student.enrolments.exists()
    assert AssignmentSubmission.objects.filter(student=student).count() == 1


def test_grades_go_too_when_asked(lesson, redis):
    forget(with_grades=True)
    assert not Student.objects.filter(pk=lesson.hanako.pk).exists()
    assert not AssignmentSubmission.objects.filter(pk=lesson.graded.pk).exists()
    assert of_others(rows_naming(EMAIL, NAME)) == []


def test_the_audit_log_keeps_its_entries_under_the_pseudonym_and_is_locked_again(lesson):
    before = AuditLog.objects.count()
    forget()
    assert AuditLog.objects.count() == before + 1
    told = AuditLog.objects.get(action="student_forget")
    assert told.target_id == str(lesson.hanako.pk)
    dismissed = AuditLog.objects.get(action="help_dismiss")
    assert dismissed.target_id == told.details["pseudonym"]
    assert dismissed.actor_email == lesson.teacher.email
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditLog.objects.update(action="nothing")


def test_a_dry_run_changes_nothing(lesson, redis):
    before = (rows_naming(EMAIL, NAME), keys_naming(redis, EMAIL, NAME))
    said = forget(dry_run=True)
    assert (rows_naming(EMAIL, NAME), keys_naming(redis, EMAIL, NAME)) == before
    assert "cell_executions" in said


def test_twice_does_no_harm(lesson):
    forget()
    assert "traces only" in forget()


def test_only_who_types_the_address_erases(lesson, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda _: "yes")
    with pytest.raises(CommandError, match="Nothing was erased"):
        call_command("forget_student", EMAIL, stdout=io.StringIO())
    assert Student.objects.filter(email=EMAIL).exists()


def test_a_name_that_another_student_has_stays_in_texts(lesson):
    Student.objects.create(email="another@example.com", name=NAME)
    said = forget()
    assert "same name" in said
    assert StudentNote.objects.get(student=lesson.ren).text == f"Works with {NAME}"
    assert of_others(rows_naming(EMAIL)) == []


def test_a_name_that_is_a_word_is_replaced_only_where_it_stands_alone(river, media):  # noqa: F811
    river.post(event(emailAddress="may@example.com", userName="May"))
    river.post(event(code="you May run this", emailAddress=OTHER, userName="Ren", said="May", heard="May I?"))
    said = forget("may@example.com")
    assert "may be a word" in said
    assert CellExecution.objects.get().code_content == "you May run this"


def test_an_address_that_is_a_word_is_nobody_elses_text(river, media):  # noqa: F811
    river.post(event(emailAddress="print", userName="P"), event(emailAddress=OTHER, userName="Ren"))
    forget("print")
    assert CellExecution.objects.get().code_content == "print(1)"
    assert not Student.objects.filter(email="print").exists()


def test_an_account_of_staff_with_the_address_stays(lesson):
    Instructor.objects.create_user(EMAIL, "correct horse", name="Also teaches")
    assert "account of staff" in forget()
    assert Instructor.objects.filter(email=EMAIL).exists()


def test_influxdb_that_is_away_is_said(lesson, settings):
    settings.INFLUXDB_URL = "http://127.0.0.1:9"
    with pytest.raises(CommandError, match="Run this again"):
        forget()
    assert not Student.objects.filter(email=EMAIL).exists()


def test_influx_backfill_brings_nobody_back(lesson, settings, redis):
    """From the first event on, as for an empty InfluxDB: every row that is left becomes a point, and none names her."""
    forget(also=[NICKNAME])
    with recording() as influxdb:
        server.disconnect()
        settings.INFLUXDB_URL, settings.INFLUXDB_TOKEN = influxdb.url, "token"
        call_command("influx_backfill", since="start", new=True, stdout=io.StringIO())
        server.disconnect()
    found = [parse(line) for line in influxdb.lines]
    assert {point.tags["userId"] for point in found} == {OTHER, LONGER}
    named = [line for line in influxdb.lines if EMAIL in line.replace(LONGER, "").lower() or NAME in line]
    assert named == []


def test_a_busy_shard_is_waited_for_and_then_refused(lesson, river, monkeypatch):  # noqa: F811
    monkeypatch.setattr(erasure, "PATIENCE", 0.2)
    held = river.lease()
    with pytest.raises(CommandError, match="try again"):
        forget()
    held.release()
    assert Student.objects.filter(email=EMAIL).exists()
    forget()


@pytest.mark.django_db(transaction=True)
def test_where_much_is_to_be_looked_through_an_index_is_there_for_the_while(redis, media, monkeypatch):
    student = Student.objects.create(email="aoi@example.com")
    Session.objects.create(student=student, session_id="s")
    monkeypatch.setattr(erasure, "WORTH_AN_INDEX", -10)
    seen = []
    monkeypatch.setattr(erasure, "redact", lambda person: seen.extend(indexes()) or {})
    forget("aoi@example.com")
    assert "forget_sessions" in seen
    assert "forget_sessions" not in indexes()


def indexes() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'cell_executions'")
        return [name for (name,) in cursor.fetchall()]


def test_failed_jobs_that_name_the_person_go(lesson, redis):
    connection = jobs.django_rq.get_connection("high")
    queue = Queue("high", connection=connection)
    for text in (EMAIL, "nobody"):
        queue.enqueue("builtins.int", text, failure_ttl=60)
    SimpleWorker([queue], connection=connection).work(burst=True, logging_level="CRITICAL")
    assert queue.failed_job_registry.count == 2
    forget()
    assert queue.failed_job_registry.count == 1
