"""The commands that make accounts and the demo class."""

import io
import stat

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from instructors.management.commands import create_instructor
from instructors.models import Instructor
from lms.models import Class, ClassAssignment, ClassKey, StudentClass
from lms.submissions import is_over


@pytest.fixture
def create(monkeypatch, db):
    def run(password: str, **options: object) -> str:
        monkeypatch.setattr(create_instructor.sys, "stdin", io.StringIO(f"{password}\n"))
        out = io.StringIO()
        call_command("create_instructor", email="mei@example.com", password_stdin=True, stdout=out, **options)
        return out.getvalue()

    return run


def test_an_account_is_created(create):
    assert "created" in create("long enough", name="Mei", role="admin")
    mei = Instructor.objects.get()
    assert (mei.name, mei.is_admin, mei.check_password("long enough")) == ("Mei", True, True)


def test_an_account_that_exists_is_changed_only_on_request(create):
    create("long enough", name="Mei")
    with pytest.raises(CommandError, match="--update"):
        create("another one")
    assert "changed" in create("another one", update=True)
    mei = Instructor.objects.get()
    assert mei.check_password("another one")
    assert mei.name == "Mei"


def test_a_short_password_is_refused(create):
    with pytest.raises(CommandError, match="8 characters"):
        create("short")


def test_what_is_no_address_is_refused(db):
    with pytest.raises(CommandError, match="not an e-mail"):
        call_command("create_instructor", email="mei", password_stdin=True)


def test_two_different_answers_at_the_prompt_are_refused(db, monkeypatch):
    answers = iter(["long enough", "long enouhg"])
    monkeypatch.setattr(create_instructor.getpass, "getpass", lambda _: next(answers))
    with pytest.raises(CommandError, match="differ"):
        call_command("create_instructor", email="mei@example.com")


@pytest.fixture
def seed(db, settings, tmp_path, monkeypatch):
    settings.DEBUG = True
    settings.DATA_DIR = tmp_path / "data"
    monkeypatch.delenv("DEMO_PASSWORD", raising=False)

    def run() -> str:
        out = io.StringIO()
        call_command("seed_demo", stdout=out)
        return out.getvalue()

    return run


def test_the_demo_class_can_be_seeded_twice(seed, settings):
    printed = seed()
    file = settings.DATA_DIR / "demo_class_key"
    key = file.read_text()
    password = printed.split("Password")[1].strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "unchanged" in seed()
    assert file.read_text() == key
    assert ClassKey.objects.get().key_hash == ClassKey.hash(key)
    assert Instructor.objects.get().check_password(password)
    assert Class.objects.get().instructor == Instructor.objects.get()


def test_the_demo_class_has_assignments_in_three_states_and_gets_them_once(seed):
    seed()
    seed()
    done, open_now, later = ClassAssignment.objects.order_by("due_date")
    assert [is_over(each.due_date, now=timezone.now()) for each in (done, open_now, later)] == [True, False, False]
    assert 30 < done.submissions.exclude(grade=None).count() == done.submissions.count() < 40
    assert 0 < open_now.submissions.exclude(grade=None).count() < open_now.submissions.count() < 40
    assert not later.submissions.exists()
    assert done.notebook.name == "演習01.ipynb"
    assert StudentClass.objects.exclude(student_number=None).count() == 40


def test_the_password_can_be_chosen(seed, monkeypatch):
    seed()
    monkeypatch.setenv("DEMO_PASSWORD", "chosen one")
    assert "chosen one" in seed()
    assert Instructor.objects.get().check_password("chosen one")


def test_a_lost_or_revoked_key_is_replaced(seed, settings):
    seed()
    ClassKey.objects.update(revoked_at="2026-01-01T00:00:00Z")
    seed()
    assert ClassKey.objects.filter(revoked_at=None).count() == 1


def test_a_real_server_refuses_demo_credentials(seed, settings):
    settings.DEBUG = False
    with pytest.raises(CommandError, match="DEBUG"):
        seed()
    assert not Instructor.objects.exists()
