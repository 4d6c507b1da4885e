"""`forget_student` in the texts of others: her names and addresses go, and those of namesakes stay."""

import json
import re
from urllib.parse import quote

import pytest
from django.core.management import CommandError

from classroom.analytics.models import AnalyticsReport
from classroom.students.models import StudentNote
from events.models import CellExecution
from events.queue import stream
from instructors import audit
from instructors.models import AuditLog, Instructor
from lms.models import Cell, Notebook, Student, StudentClass, Team
from operations.privacy import redaction
from tests.events.conftest import event
from tests.operations.privacy.forgetting import forget, of_others
from tests.operations.privacy.student_data import EMAIL, NAME, NICKNAME, OTHER
from tests.operations.privacy.text_search import keys_naming, rows_naming


def test_a_name_that_another_student_has_stays_in_texts(lesson):
    Student.objects.create(email="another@example.com", name=NAME)
    said = forget()
    assert "same name" in said
    assert StudentNote.objects.get(student=lesson.ren).text == f"Works with {NAME}"
    assert of_others(rows_naming(EMAIL)) == []


def test_a_name_that_is_a_word_is_replaced_only_where_it_stands_alone(event_pipeline, media):
    event_pipeline.post(event(emailAddress="may@example.com", userName="May"))
    event_pipeline.post(event(code="you May run this", emailAddress=OTHER, userName="Ren", said="May", heard="May I?"))
    said = forget("may@example.com")
    assert "may be a word" in said
    assert CellExecution.objects.get().code_content == "you May run this"


def test_an_address_that_is_a_word_is_nobody_elses_text(event_pipeline, media):
    event_pipeline.post(event(emailAddress="print", userName="P"), event(emailAddress=OTHER, userName="Ren"))
    forget("print")
    assert CellExecution.objects.get().code_content == "print(1)"
    assert not Student.objects.filter(email="print").exists()


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


def test_an_identity_with_a_number_is_found_in_texts(event_pipeline, media):
    event_pipeline.post(event(emailAddress="s2401234", userName="Aoi"))
    event_pipeline.post(event(emailAddress=OTHER, userName="Ren", code="# by S2401234, not s24012345\nx = 1"))
    forget("s2401234")
    code = CellExecution.objects.get().code_content
    assert re.fullmatch(r"# by forgotten-[0-9a-f]{8}, not s24012345\nx = 1", code)


def test_what_becomes_the_same_in_a_unique_column_gets_numbers(lesson):
    for path in ("x/hanako@example.com", "x/HANAKO@example.com", "x/hanako%40example.com"):
        Notebook.objects.create(path=path, name="a")
    for name in ("山田花子", "花子・山田"):
        Team.objects.create(team_name=name)
    forget()
    paths = sorted(re.sub("forgotten-[0-9a-f]{8}", "X", n.path) for n in Notebook.objects.filter(path__startswith="x/"))
    assert paths == ["x/X", "x/X-2", "x/X-3"]
    assert Team.objects.filter(team_name__startswith="forgotten-").count() == 2


def test_events_of_others_on_their_way_name_nobody_and_lose_nothing(lesson, redis, event_pipeline):
    theirs = {"emailAddress": OTHER, "userName": "Ren", "teamName": "Team B", "eventId": "on-its-way"}
    event_pipeline.append(event(**theirs, code=f"x = 1.10  # {NAME}, {EMAIL}", durationMs=12.5))
    forget()
    assert keys_naming(redis, EMAIL, NAME, "山田花子") == []
    event_pipeline.drain()
    code = CellExecution.objects.get(event_id="on-its-way").code_content
    assert re.fullmatch("x = 1.10  # forgotten-[0-9a-f]{8}, forgotten-[0-9a-f]{8}", code)
    held = sum(int(redis.get(f"events:{{{int(shard)}}}:bytes") or 0) for shard in redis.smembers(stream.SHARDS_KEY))
    assert held == 0


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


@pytest.mark.parametrize(
    ("said", "goes"),
    [
        ("やまだ はなこ さん", True),
        ("ヤマダ　ハナコ", False),  # another writing of it, which her rows do not have
        ("number 24012345.", True),
        ("number 124012345", False),
        ("さとう れん", False),
        ("12 of 20", False),
    ],
)
def test_her_reading_and_number_go_too(lesson, said, goes):
    enrolments = StudentClass.objects.filter(student=lesson.hanako)
    enrolments.update(reading="やまだ はなこ", student_number="24012345")
    StudentClass.objects.filter(student=lesson.ren).update(reading="さとう れん", student_number="12")
    lesson.class_ref.description = said
    lesson.class_ref.save()
    forget()
    lesson.class_ref.refresh_from_db()
    assert (lesson.class_ref.description != said) is goes


def test_a_reading_and_a_number_that_another_has_stay(lesson):
    StudentClass.objects.update(reading="やまだ はなこ", student_number="24012345")
    lesson.class_ref.description = said = "やまだ はなこ 24012345"
    lesson.class_ref.save()
    forget()
    lesson.class_ref.refresh_from_db()
    assert lesson.class_ref.description == said
