"""`forget_student`: afterwards a search through everything finds nobody; what belongs to others is whole."""

import io

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from rq import Queue, SimpleWorker

from classroom.analytics.models import AnalyticsReport
from events import timeseries
from events.models import CellExecution, OfflineQueueEntry, StudentEvent
from events.queue import maintenance, stream
from events.timeseries import client as timeseries_client
from events.worker import tasks
from instructors.models import AuditLog, Instructor
from lms.models import AssignmentSubmission, ProgressNotification, Session, Student
from lms.models.versions import StoredNotebook
from lms.notebooks import render_process
from operations.privacy import erasure
from tests.influx import parse, recording
from tests.operations.privacy.forgetting import forget, of_others
from tests.operations.privacy.student_data import EMAIL, LONGER, NAME, NICKNAME, OTHER
from tests.operations.privacy.text_search import files_naming, keys_naming, rows_naming


def test_there_is_something_to_find(lesson, redis):
    """The search itself: else it would find nothing for the wrong reason."""
    tables = {place.partition(".")[0] for place in rows_naming(EMAIL, NAME)}
    assert len(tables) >= 14, tables
    keys = {key.partition(":")[0] for key in keys_naming(redis, EMAIL, NAME)}
    assert keys >= {"events", "points", "live", "test-events"}


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
    assert [e.email for e in maintenance.events(redis)] == [OTHER]
    [(_, point)] = redis.xrange("points:waiting")
    assert f"userId={OTHER}," in point[b"l"].decode()
    assert timeseries.backlog_status().waiting == 1
    assert cache.get("somebody") == {"of": "Ren"}
    assert (media / "maps/room.jpg").exists()
    assert OfflineQueueEntry.objects.get().user_id == OTHER
    assert [stored.sha256[0] for stored in StoredNotebook.objects.all()] == ["b"]
    assert not ProgressNotification.objects.exists()


def test_the_event_that_stays_in_the_stream_is_carried(lesson, redis, event_pipeline):
    before = CellExecution.objects.filter(student=lesson.ren).count()
    forget()
    event_pipeline.drain()
    assert CellExecution.objects.filter(student=lesson.ren).count() == before + 1
    held = sum(int(redis.get(f"events:{{{int(shard)}}}:bytes") or 0) for shard in redis.smembers(stream.SHARDS_KEY))
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
        timeseries_client.disconnect()
        settings.INFLUXDB_URL, settings.INFLUXDB_TOKEN = influxdb.url, "token"
        call_command("influx_backfill", since="start", new=True, stdout=io.StringIO())
        timeseries_client.disconnect()
    found = [parse(line) for line in influxdb.lines]
    assert {point.tags["userId"] for point in found} == {OTHER, LONGER}
    named = [line for line in influxdb.lines if EMAIL in line.replace(LONGER, "").lower() or NAME in line]
    assert named == []


def test_a_busy_shard_is_waited_for_and_then_refused(lesson, event_pipeline, monkeypatch):
    monkeypatch.setattr(erasure, "DRAIN_TIMEOUT", 0.2)
    held = event_pipeline.lease()
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


def test_all_rows_of_one_person_go_whatever_the_spelling(lesson, redis, media):
    twin = Student.objects.create(email="twin", name="Yamada, Hanako")
    # As an upgrade leaves two that it could not merge.
    Student.objects.filter(pk=twin.pk).update(email="ｈａｎａｋｏ＠example.com", email_key="UNREACHABLE:1")
    given = AssignmentSubmission.objects.get(pk=lesson.graded.pk).assignment
    AssignmentSubmission.objects.create(assignment=given, student=twin, grade=3)
    OfflineQueueEntry.objects.create(event_data={}, user_id="hana\u00adko@EXAMPLE.com")
    CellExecution.objects.filter(student=lesson.ren).update(output="by HANAKO YAMADA, 山田花子")
    forget("HANAKO@example.com")
    kept = Student.objects.filter(email__startswith="forgotten-")
    assert set(kept.values_list("pk", "name")) == {(lesson.hanako.pk, None), (twin.pk, None)}
    assert [entry.user_id for entry in OfflineQueueEntry.objects.all()] == [OTHER]
    output = CellExecution.objects.filter(student=lesson.ren).first().output
    assert (output.count("forgotten-"), output.count(", ")) == (2, 1)


@pytest.mark.parametrize("address", ["", " ", "\u200b"])
def test_an_address_that_cannot_be_seen_is_nobodys(lesson, address):
    with pytest.raises(CommandError, match="Whose address"):
        forget(address)


def test_a_redis_that_is_away_is_said(lesson, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    with pytest.raises(CommandError, match="Redis does not answer"):
        forget()
    assert Student.objects.filter(email=EMAIL).exists()


def test_what_is_to_be_done_again_names_the_names(lesson, settings):
    """The rows are gone by then, and the names with them."""
    settings.INFLUXDB_URL = "http://127.0.0.1:9"
    with pytest.raises(CommandError, match=f"--also '{NAME}' --also {NICKNAME}"):
        forget(also=[NICKNAME])


def test_a_report_about_the_person_goes_and_one_about_a_class_stays(lesson):
    AnalyticsReport.objects.create(
        report_type="student", parameters={"student_id": lesson.hanako.pk}, content={"runs": 3}
    )
    AnalyticsReport.objects.create(report_type="student", parameters={"student_id": lesson.ren.pk})
    AnalyticsReport.objects.create(
        report_type="class", parameters={"class_id": lesson.hanako.pk}, content={"of": [NAME]}
    )
    forget()
    kept = AnalyticsReport.objects.order_by("pk").values_list("report_type", "parameters__student_id")
    assert list(kept) == [("student", lesson.ren.pk), ("class", None)]
    assert NAME not in str(AnalyticsReport.objects.get(report_type="class").content)


def test_a_dry_run_shows_examples(lesson):
    said = forget(dry_run=True)
    assert f"[{EMAIL}]" in said
    assert f"[{NAME}]" in said


def test_drawings_of_notebooks_go(lesson, drawn):
    render_process._cache().set("1:html:x", f"<p>{NAME}</p>")
    forget()
    assert render_process._cache().get("1:html:x") is None


def test_jobs_that_name_the_person_go_in_whatever_state(lesson, redis):
    connection = tasks.django_rq.get_connection("high")
    queue = Queue("high", connection=connection)
    for text in (NAME, "7"):
        queue.enqueue("builtins.int", "7", result_ttl=60, meta={"of": text}, description="done")
    SimpleWorker([queue], connection=connection).work(burst=True, logging_level="CRITICAL")
    queue.enqueue("builtins.str", EMAIL.upper(), result_ttl=60)
    waits = queue.enqueue("builtins.str", "nobody")
    assert queue.finished_job_registry.count == 2
    forget()
    assert queue.finished_job_registry.count == 1
    assert queue.get_job_ids() == [waits.id]


def test_failed_jobs_that_name_the_person_go(lesson, redis):
    connection = tasks.django_rq.get_connection("high")
    queue = Queue("high", connection=connection)
    for text in (EMAIL, "nobody"):
        queue.enqueue("builtins.int", text, failure_ttl=60)
    SimpleWorker([queue], connection=connection).work(burst=True, logging_level="CRITICAL")
    assert queue.failed_job_registry.count == 2
    forget()
    assert queue.failed_job_registry.count == 1
