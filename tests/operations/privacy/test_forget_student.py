"""`forget_student`: afterwards a search through everything finds nobody; what belongs to others is whole."""

import io
import json
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from rq import Queue, SimpleWorker

from classroom.analytics.models import AnalyticsReport
from classroom.students.models import StudentNote
from events import timeseries
from events.models import CellExecution, OfflineQueueEntry, StudentEvent
from events.queue import maintenance, stream
from events.timeseries import client as timeseries_client
from events.worker import tasks
from instructors import audit
from instructors.models import AuditLog, Instructor
from lms.models import AssignmentSubmission, Cell, Notebook, ProgressNotification, Session, Student, Team
from lms.models.versions import StoredNotebook
from lms.notebooks import render_process
from operations.privacy import erasure, redaction
from tests.events.conftest import event, event_pipeline  # noqa: F401 - a fixture
from tests.influx import parse, recording
from tests.operations.privacy.student_data import EMAIL, LONGER, NAME, NICKNAME, OTHER, Lesson, leave_traces
from tests.operations.privacy.text_search import files_naming, keys_naming, rows_naming


@pytest.fixture
def media(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture
def lesson(event_pipeline, media) -> Lesson:  # noqa: F811
    return leave_traces(event_pipeline)


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


def test_the_event_that_stays_in_the_stream_is_carried(lesson, redis, event_pipeline):  # noqa: F811
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


def test_a_name_that_another_student_has_stays_in_texts(lesson):
    Student.objects.create(email="another@example.com", name=NAME)
    said = forget()
    assert "same name" in said
    assert StudentNote.objects.get(student=lesson.ren).text == f"Works with {NAME}"
    assert of_others(rows_naming(EMAIL)) == []


def test_a_name_that_is_a_word_is_replaced_only_where_it_stands_alone(event_pipeline, media):  # noqa: F811
    event_pipeline.post(event(emailAddress="may@example.com", userName="May"))
    event_pipeline.post(event(code="you May run this", emailAddress=OTHER, userName="Ren", said="May", heard="May I?"))
    said = forget("may@example.com")
    assert "may be a word" in said
    assert CellExecution.objects.get().code_content == "you May run this"


def test_an_address_that_is_a_word_is_nobody_elses_text(event_pipeline, media):  # noqa: F811
    event_pipeline.post(event(emailAddress="print", userName="P"), event(emailAddress=OTHER, userName="Ren"))
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
        timeseries_client.disconnect()
        settings.INFLUXDB_URL, settings.INFLUXDB_TOKEN = influxdb.url, "token"
        call_command("influx_backfill", since="start", new=True, stdout=io.StringIO())
        timeseries_client.disconnect()
    found = [parse(line) for line in influxdb.lines]
    assert {point.tags["userId"] for point in found} == {OTHER, LONGER}
    named = [line for line in influxdb.lines if EMAIL in line.replace(LONGER, "").lower() or NAME in line]
    assert named == []


def test_a_busy_shard_is_waited_for_and_then_refused(lesson, event_pipeline, monkeypatch):  # noqa: F811
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


SPELLINGS = [
    "山田花子さんの", "花子　山田", "hanako%40example.com", r"hanako\u0040EXAMPLE.com", "ｈａｎａｋｏ＠example.com",
    quote(NAME), json.dumps(NAME), f"/home/{EMAIL}/x", f"/ws/{quote(EMAIL)}", r"C:\Users\hanako\x", str(NAME.encode()),
]  # fmt: skip


@pytest.mark.parametrize("said", SPELLINGS)
def test_every_text_of_others_is_read_as_it_is_meant(lesson, said):
    run = CellExecution.objects.get(student=lesson.ren)
    run.code_content = f"# <{said}>\nprint(1)"
    run.save()
    lesson.class_ref.description = said
    lesson.class_ref.save()
    cell = Cell.objects.create(
        notebook=Notebook.objects.latest("pk"), cell_id="c", cell_metadata={"x": [1.5, {said: said}]}
    )
    report = AnalyticsReport.objects.create(report_type="class", content={"cells": [said]})
    audit.record(action="notes", actor=None, request=None, details={"of": said})
    forget()
    code = CellExecution.objects.get(pk=run.pk).code_content
    assert code.startswith("# <")
    assert code.endswith(">\nprint(1)")
    cell.refresh_from_db()
    report.refresh_from_db()
    lesson.class_ref.refresh_from_db()
    details = AuditLog.objects.filter(action="notes").latest("pk").details
    texts = [
        code,
        json.dumps(cell.cell_metadata),
        json.dumps(report.content),
        lesson.class_ref.description,
        str(details),
    ]
    for text in texts:
        assert "forgotten-" in text
        assert said not in text
    assert cell.cell_metadata["x"][0] == 1.5


def test_the_same_name_and_a_longer_one_keep_everything(lesson):
    """A namesake keeps the name, in texts as well; whose name only holds hers keeps it, and her mentions go."""
    longer = Student.objects.create(email="sato_hanako@example.com", name="小山田 花子")
    Instructor.objects.create_user("yh@example.com", "correct horse", name="山田 花子 二世")
    note = StudentNote.objects.create(
        student=longer, author=lesson.teacher,
        text=f"小山田花子 and 山田花子二世 with 山田花子, sato_hanako@example.com with {EMAIL}",
    )  # fmt: skip
    said = forget()
    note.refresh_from_db()
    assert re.sub("forgotten-[0-9a-f]{8}", "X", note.text) == (
        "小山田花子 and 山田花子二世 with X, sato_hanako@example.com with X"
    )
    longer.refresh_from_db()
    assert (longer.email, longer.name) == ("sato_hanako@example.com", "小山田 花子")
    assert "山田 花子 二世" in said


@pytest.mark.parametrize("writing", ["山田花子", "花子 山田", "山田　花子"])
def test_a_namesake_in_another_writing_keeps_the_name(lesson, writing):
    other = Student.objects.create(email="another@example.com", name=writing)
    note = StudentNote.objects.create(student=other, author=lesson.teacher, text=f"{writing} and {NAME}")
    assert "same name" in forget()
    note.refresh_from_db()
    other.refresh_from_db()
    assert (note.text, other.name) == (f"{writing} and {NAME}", writing)


def test_also_may_come_more_than_once_and_is_never_half_a_name(lesson):
    Student.objects.create(email="ichiro@example.com", name="山田 一郎")
    note = StudentNote.objects.create(
        student=lesson.ren, author=lesson.teacher,
        text="Hana-chan, 小山田, 山田一郎 and 山田さん; S123456, s12345; hana-channel",
    )  # fmt: skip
    forget(also=[NICKNAME, "山田", "S12345"])
    note.refresh_from_db()
    said = re.sub("forgotten-[0-9a-f]{8}", "X", note.text)
    assert said == "X, 小山田, 山田一郎 and Xさん; S123456, X; hana-channel"


REFUSED = [
    ("a", "too short"),
    ("花", "too short"),
    ("--", "too short"),
    (" ", "be seen"),
    (OTHER, "Somebody else"),
    ("ＲＥＮ", "Somebody else"),
]


@pytest.mark.parametrize(("text", "why"), REFUSED)
def test_also_that_would_hit_others_is_refused_with_a_sentence(lesson, text, why):
    with pytest.raises(CommandError, match=why):
        forget(also=[NICKNAME, text])
    assert Student.objects.filter(email=EMAIL).exists()


@pytest.mark.parametrize("address", ["", " ", "\u200b"])
def test_an_address_that_cannot_be_seen_is_nobodys(lesson, address):
    with pytest.raises(CommandError, match="Whose address"):
        forget(address)


def test_an_identity_with_a_number_is_found_in_texts(event_pipeline, media):  # noqa: F811
    event_pipeline.post(event(emailAddress="s2401234", userName="Aoi"))
    event_pipeline.post(event(emailAddress=OTHER, userName="Ren", code="# by S2401234, not s24012345\nx = 1"))
    forget("s2401234")
    code = CellExecution.objects.get().code_content
    assert re.fullmatch(r"# by forgotten-[0-9a-f]{8}, not s24012345\nx = 1", code)


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


def test_what_becomes_the_same_in_a_unique_column_gets_numbers(lesson):
    for path in ("x/hanako@example.com", "x/HANAKO@example.com", "x/hanako%40example.com"):
        Notebook.objects.create(path=path, name="a")
    for name in ("山田花子", "花子・山田"):
        Team.objects.create(team_name=name)
    forget()
    paths = sorted(re.sub("forgotten-[0-9a-f]{8}", "X", n.path) for n in Notebook.objects.filter(path__startswith="x/"))
    assert paths == ["x/X", "x/X-2", "x/X-3"]
    assert Team.objects.filter(team_name__startswith="forgotten-").count() == 2


def test_events_of_others_on_their_way_name_nobody_and_lose_nothing(lesson, redis, event_pipeline):  # noqa: F811
    theirs = {"emailAddress": OTHER, "userName": "Ren", "teamName": "Team B", "eventId": "on-its-way"}
    event_pipeline.append(event(**theirs, code=f"x = 1.10  # {NAME}, {EMAIL}", durationMs=12.5))
    forget()
    assert keys_naming(redis, EMAIL, NAME, "山田花子") == []
    event_pipeline.drain()
    code = CellExecution.objects.get(event_id="on-its-way").code_content
    assert re.fullmatch("x = 1.10  # forgotten-[0-9a-f]{8}, forgotten-[0-9a-f]{8}", code)
    held = sum(int(redis.get(f"events:{{{int(shard)}}}:bytes") or 0) for shard in redis.smembers(stream.SHARDS_KEY))
    assert held == 0


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


def test_a_row_that_changed_since_it_was_found_keeps_the_change(lesson, monkeypatch):
    cell = Cell.objects.filter(cell_id="cell-1").latest("pk")
    cell.content = f"old # {EMAIL}"
    cell.save()
    write = redaction._write

    def changed_first(model, keys, person):
        if model is Cell:
            Cell.objects.filter(pk=cell.pk).update(content=f"new # {EMAIL}")
        return write(model, keys, person)

    monkeypatch.setattr(redaction, "_write", changed_first)
    forget()
    cell.refresh_from_db()
    assert cell.content.startswith("new # forgotten-")


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
