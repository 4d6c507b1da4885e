"""The notebooks of a class: their histories, two versions beside each other, and who sees whose."""

from datetime import UTC, datetime

import pytest
from django.conf import settings as django_settings

from classroom.notebooks import views as frames
from instructors.models import AuditLog
from lms.api.notebook_content import receipt
from lms.models import AssignmentStarter, AssignmentSubmission, Class, ClassAssignment, ClassStaff, Notebook
from lms.versions.commits import commit
from lms.versions.snapshots import Author, Owner, store_snapshot
from tests.lms.notebooks.builders import HOSTILE, code, markdown
from tests.lms.notebooks.builders import notebook as made_of

STARTER = made_of(markdown("# Loops", id="m"), code("total = 0\nprint(total)", id="c"))
WORK = made_of(markdown("# Loops", id="m"), code("total = <b>1</b>\nprint(total)", id="c"))
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


pytestmark = pytest.mark.usefixtures("drawn")


@pytest.fixture
def loops(python_class, notebook):
    made = ClassAssignment.objects.create(class_ref=python_class, notebook=notebook, title="Loops", points=10)
    AssignmentStarter.objects.create(assignment=made, content=STARTER, content_sha256=receipt(STARTER))
    return made


@pytest.fixture
def work(loops, ren):
    return AssignmentSubmission.objects.create(
        assignment=loops, student=ren, notebook_content=WORK, content_sha256=receipt(WORK), submitted_at=NOW
    )


def committed(class_ref, notebook, content=WORK, message="<i>Solved</i>", author="Teacher"):
    who = Author(author_id=author, author_name=author)
    owner = Owner(class_id=class_ref.pk if class_ref else None)
    kept = store_snapshot(notebook.path, content, sha256=receipt(content), owner=owner, author=who)
    return commit(kept, branch_name="main", message=message, author=who, now=datetime.now(UTC))


@pytest.fixture
def client(signed_in, hanako):
    return signed_in(hanako)


@pytest.fixture
def at(python_class, notebook):
    return f"/classes/{python_class.pk}/notebooks/{notebook.pk}/"


def text(answer, status=200):
    assert answer.status_code == status
    return answer.content.decode()


def test_the_tab_lists_the_notebooks_of_the_class(client, python_class, notebook, work, at):
    Notebook.objects.create(path="foreign.ipynb", name="foreign.ipynb")
    committed(python_class, notebook)
    html = text(client.get(f"/classes/{python_class.pk}/notebooks/"))
    assert f'href="{at}"' in html
    assert "Hand-ins: <b>1</b> · Commits: <b>1</b>" in html
    assert "foreign.ipynb" not in html


def test_without_notebooks_it_says_how_they_come(client, python_class):
    assert "There are no notebooks yet." in text(client.get(f"/classes/{python_class.pk}/notebooks/"))


def test_a_history_says_what_by_whom_and_when(client, python_class, notebook, work, at):
    made = committed(python_class, notebook)
    page = client.get(at)
    html = text(page)
    assert [entry.ref for entry in page.context["page"].choices] == [
        f"c{made.version_id}", f"s{work.pk}", f"t{work.assignment_id}",
    ]  # fmt: skip
    assert "v1.0.0 &lt;i&gt;Solved&lt;/i&gt;" in html
    for words in ("Ren", "Teacher", "2026-05-01", "Starter of Loops"):
        assert words in html
    assert (page.context["old"], page.context["new"]) == (f"t{work.assignment_id}", f"c{made.version_id}")


def test_two_versions_beside_each_other(client, work, at):
    address = f"{at}compare/?old=t{work.assignment_id}&new=s{work.pk}"
    html = text(client.get(address))
    assert '<span class="mark">-</span> total = 0' in html
    assert '<span class="mark">+</span> total = &lt;b&gt;1&lt;/b&gt;' in html
    assert "Cells changed: 1, added: 0, deleted: 0, moved: 0" in html
    assert html.count("print(total)") == 2, "in both columns"
    [note] = AuditLog.objects.all()
    assert (note.action, note.target_id) == ("submission_view", str(work.pk))


def test_the_same_twice_is_no_change(client, work, at):
    html = text(client.get(f"{at}compare/?old=s{work.pk}&new=s{work.pk}"))
    assert "Cells changed: 0" in html
    assert AuditLog.objects.count() == 1


def test_what_is_not_chosen_leads_back(client, work, at):
    for query in ("", "?old=s1", f"?new=s{work.pk}"):
        assert client.get(f"{at}compare/{query}")["Location"] == at


def test_what_cannot_be_compared_says_so(client, work, at, monkeypatch):
    monkeypatch.setattr("classroom.notebooks.version_views.changes", lambda *_, **__: None)
    html = text(client.get(f"{at}compare/?old=t{work.assignment_id}&new=s{work.pk}"))
    assert "could not be compared" in html


def test_a_version_is_read_in_a_frame_that_can_do_nothing(client, python_class, notebook, at):
    ref = f"c{committed(python_class, notebook, HOSTILE).version_id}"
    assert "sandbox title" in text(client.get(f"{at}{ref}/"))
    assert AuditLog.objects.get().action == "version_view"
    answer = client.get(f"{at}{ref}/notebook/")
    assert answer["Content-Security-Policy"] == frames.POLICY
    html = text(answer)
    assert "<script" not in html
    assert "left out here for safety" in html


def test_what_was_handed_in_is_read_on_its_own_page(client, python_class, work, at):
    assert client.get(f"{at}s{work.pk}/")["Location"] == f"/classes/{python_class.pk}/submissions/{work.pk}/"
    assert "Starter of Loops" in text(client.get(f"{at}t{work.assignment_id}/"))


def test_a_projector_names_nobody(client, python_class, notebook, work, at):
    made = committed(python_class, notebook, author="Ren")
    client.cookies[django_settings.DISPLAY_COOKIE_NAME] = "projector"
    for address in (at, f"{at}compare/?old=s{work.pk}&new=c{made.version_id}", f"{at}c{made.version_id}/"):
        assert "Ren" not in text(client.get(address))


@pytest.mark.parametrize("ref", ["x1", "s", "s0", "t0", "c000000000000", "s99999999999999999999", "c%00", "latest"])
def test_what_names_nothing_is_404(client, work, at, ref):
    assert client.get(f"{at}{ref}/").status_code == 404
    assert client.get(f"{at}compare/?old={ref}&new=s{work.pk}").status_code == 404


def test_others_versions_do_not_exist(client, signed_in, taro, python_class, notebook, work, stranger, at):
    rust = Class.objects.create(class_code="R", name="Rust", instructor=taro)
    other = ClassAssignment.objects.create(class_ref=rust, notebook=notebook, title="T")
    hidden = AssignmentSubmission.objects.create(assignment=other, student=stranger, notebook_content=WORK)
    theirs, nobodys = committed(rust, notebook), committed(None, notebook)
    refs = (f"s{hidden.pk}", f"c{theirs.version_id}", f"c{nobodys.version_id}")
    for ref in refs:
        for address in (f"{at}{ref}/", f"{at}{ref}/notebook/", f"{at}compare/?old={ref}&new=s{work.pk}"):
            assert client.get(address).status_code == 404, address
    assert [entry.ref for entry in client.get(at).context["page"].entries] == [f"s{work.pk}"]
    unknown = Notebook.objects.create(path="unknown.ipynb", name="unknown.ipynb")
    assert client.get(f"/classes/{python_class.pk}/notebooks/{unknown.pk}/").status_code == 404
    for address in (at, f"{at}s{work.pk}/", f"{at}compare/?old=s{work.pk}&new=s{work.pk}"):
        assert signed_in(taro).get(address).status_code == 404


def test_an_assistant_reads_them(signed_in, taro, python_class, work, at):
    ClassStaff.objects.create(class_ref=python_class, instructor=taro, role="assistant")
    client = signed_in(taro)
    for address in (at, f"/classes/{python_class.pk}/notebooks/", f"{at}t{work.assignment_id}/"):
        assert client.get(address).status_code == 200


def test_it_costs_the_same_for_a_class_of_two_hundred(
    client, python_class, notebook, loops, enrol, at, django_assert_max_num_queries
):
    students = [enrol(f"s{number}@example.com", name=f"S {number}") for number in range(200)]
    hand_ins = [
        AssignmentSubmission(assignment=loops, student=student, notebook_content=WORK, content_sha256=receipt(WORK))
        for student in students
        for _ in range(2)
    ]
    AssignmentSubmission.objects.bulk_create(hand_ins)
    committed(python_class, notebook)
    with django_assert_max_num_queries(11):
        page = client.get(at)
    assert len(page.context["page"].entries) == 300
    assert "The newest 300 of 401 versions." in text(page)
    with django_assert_max_num_queries(6):
        client.get(f"/classes/{python_class.pk}/notebooks/")
