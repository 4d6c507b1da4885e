"""Notes about a student: written, edited and deleted softly, seen by the staff of their class and nobody else."""

import pytest

from classroom.students.models import StudentNote
from instructors.models import AuditLog
from lms.models import Class, ClassStaff, StudentClass

FRAGMENT = {"X-Requested-With": "fragment"}


@pytest.fixture
def address(python_class, ren):
    return f"/classes/{python_class.pk}/students/{ren.pk}/"


@pytest.fixture
def note(python_class, ren, hanako):
    return StudentNote.objects.create(student=ren, class_ref=python_class, author=hanako, text="Prefers to type alone.")


@pytest.fixture
def assistant(python_class, taro):
    ClassStaff.objects.create(class_ref=python_class, instructor=taro, role="assistant")
    return taro


def test_a_note_is_written_and_seen(signed_in, hanako, address, ren):
    client = signed_in(hanako)
    answer = client.post(f"{address}notes/", {"text": "  Is new <b>here</b>\r\n "})
    written = StudentNote.objects.get()
    assert answer.headers["Location"] == f"{address}?part=notes#note-{written.pk}"
    assert (written.text, written.author, written.student) == ("Is new <b>here</b>", hanako, ren)
    html = client.get(f"{address}?part=notes").content.decode()
    assert "Is new &lt;b&gt;here&lt;/b&gt;" in html
    assert "Notes (1)" in html
    entry = AuditLog.objects.get(action="note_create")
    assert (entry.actor_email, entry.target_id) == (hanako.email, ren.email)
    assert "here" not in str(entry.details)


@pytest.mark.parametrize("headers", [{}, FRAGMENT])
@pytest.mark.parametrize(("text", "words"), [("  ", "Write something first"), ("x" * 4001, "this one has 4001")])
def test_what_cannot_be_saved_is_kept_and_explained(signed_in, hanako, address, headers, text, words):
    answer = signed_in(hanako).post(f"{address}notes/", {"text": text}, headers=headers)
    assert answer.status_code == 422
    html = answer.content.decode()
    assert words in html
    assert text.strip() in html
    assert not StudentNote.objects.exists()


def test_an_edit_keeps_the_earlier_wording(signed_in, hanako, address, note):
    client = signed_in(hanako)
    assert "Prefers to type alone.</textarea>" in client.get(f"{address}?part=notes&edit={note.pk}").content.decode()
    client.post(f"{address}notes/{note.pk}/", {"text": "Likes pairs now."})
    note.refresh_from_db()
    assert note.text == "Likes pairs now."
    assert [earlier["text"] for earlier in note.earlier_texts] == ["Prefers to type alone."]
    assert "edited" in client.get(f"{address}?part=notes").content.decode()
    assert AuditLog.objects.filter(action="note_update").count() == 1


def test_a_deleted_note_leaves_the_pages_not_the_table(signed_in, hanako, address, note):
    client = signed_in(hanako)
    client.post(f"{address}notes/{note.pk}/delete/")
    note.refresh_from_db()
    assert note.deleted_by == hanako
    assert "type alone" not in client.get(f"{address}?part=notes").content.decode()
    assert AuditLog.objects.filter(action="note_delete").count() == 1
    assert client.post(f"{address}notes/{note.pk}/", {"text": "again"}).status_code == 404


def test_an_assistant_reads_and_writes_but_changes_only_their_own(signed_in, assistant, address, note):
    client = signed_in(assistant)
    html = client.get(f"{address}?part=notes").content.decode()
    assert "type alone" in html
    assert f"notes/{note.pk}/delete/" not in html
    assert client.post(f"{address}notes/", {"text": "I saw it too"}).status_code == 302
    assert client.post(f"{address}notes/{note.pk}/", {"text": "mine"}).status_code == 404
    assert client.post(f"{address}notes/{note.pk}/delete/").status_code == 404
    note.refresh_from_db()
    assert (note.text, note.deleted_at) == ("Prefers to type alone.", None)


def test_an_admin_deletes_but_does_not_rewrite(signed_in, kaoru, address, note):
    client = signed_in(kaoru)
    assert client.post(f"{address}notes/{note.pk}/", {"text": "x"}).status_code == 404
    assert client.post(f"{address}notes/{note.pk}/delete/").status_code == 302
    note.refresh_from_db()
    assert note.deleted_by == kaoru


def test_another_class_of_the_same_student_does_not_see_it(signed_in, taro, ren, note, python_class, address):
    other = Class.objects.create(class_code="R", name="R", instructor=taro)
    StudentClass.objects.create(class_ref=other, student=ren)
    client = signed_in(taro)
    theirs = f"/classes/{other.pk}/students/{ren.pk}/"
    html = client.get(f"{theirs}?part=notes").content.decode()
    assert "type alone" not in html
    assert "Notes (" not in html
    assert client.post(f"{theirs}notes/{note.pk}/", {"text": "x"}).status_code == 404
    assert client.post(f"{theirs}notes/{note.pk}/delete/").status_code == 404
    for path in ("notes/", f"notes/{note.pk}/", f"notes/{note.pk}/delete/"):
        assert client.post(address + path, {"text": "x"}).status_code == 404


def test_a_student_of_another_class_gets_no_note(signed_in, hanako, python_class, stranger):
    path = f"/classes/{python_class.pk}/students/{stranger.pk}/notes/"
    assert signed_in(hanako).post(path, {"text": "x"}).status_code == 404


def test_everybody_shows_an_admin_all_and_keeps_its_own_apart(signed_in, kaoru, hanako, ren, note, address):
    everybody = f"/everybody/students/{ren.pk}/"
    client = signed_in(kaoru)
    client.post(f"{everybody}notes/", {"text": "Of no class"})
    html = client.get(f"{everybody}?part=notes").content.decode()
    assert "type alone" in html
    assert "Of no class" in html
    assert "Python 入門" in html
    assert "Of no class" not in signed_in(hanako).get(f"{address}?part=notes").content.decode()


def test_everybody_open_to_all_shows_only_notes_of_ones_own_classes(signed_in, taro, ren, note, settings):
    settings.API_REQUIRE_AUTH = False
    assert "type alone" not in signed_in(taro).get(f"/everybody/students/{ren.pk}/?part=notes").content.decode()


@pytest.mark.parametrize("path", ["notes/", "notes/1/", "notes/1/delete/"])
def test_notes_are_posted_and_by_those_who_are_signed_in(client, signed_in, hanako, address, path):
    assert client.post(address + path, {"text": "x"}).headers["Location"].startswith("/login/")
    assert signed_in(hanako).get(address + path).status_code == 405


def test_the_notes_in_the_drawer_come_back_as_a_fragment(signed_in, hanako, address):
    answer = signed_in(hanako).post(f"{address}notes/", {"text": "hello"}, headers=FRAGMENT)
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "<html" not in html
    assert f'data-focus="note-{StudentNote.objects.get().pk}"' in html
