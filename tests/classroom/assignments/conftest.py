"""Ren handed in to Hanako's assignment; Taro may assist."""

import pytest

from lms.api.notebook_content import receipt
from lms.models import AssignmentSubmission, ClassAssignment
from realtime import broadcast
from tests.lms.notebooks.builders import code, markdown, prints
from tests.lms.notebooks.builders import notebook as made_of

WORK = made_of(markdown("# Loops", id="m"), code("total = 1", prints("<b>385</b>"), id="c"))


@pytest.fixture
def loops(python_class, notebook):
    return ClassAssignment.objects.create(class_ref=python_class, notebook=notebook, title="Loops", points=10)


@pytest.fixture
def work(loops, ren):
    return AssignmentSubmission.objects.create(
        assignment=loops,
        student=ren,
        notebook_content=WORK,
        content_sha256=receipt(WORK),
        submission_comment="<i>3</i>",
    )


@pytest.fixture
def other(loops, aoi):
    return AssignmentSubmission.objects.create(assignment=loops, student=aoi)


@pytest.fixture
def at(python_class, work):
    return f"/classes/{python_class.pk}/submissions/{work.pk}/"


def beside(at, submission):
    """The address of another submission of the class."""
    return f"{at.partition('submissions/')[0]}submissions/{submission.pk}/"


@pytest.fixture
def client(signed_in, hanako):
    return signed_in(hanako)


@pytest.fixture
def notified(monkeypatch):
    """The submissions of which students were notified."""
    sent = []

    def publish(rows, notices, *, outside):
        sent.extend(frame.data.submission_id for frame in outside if frame.event == "assignment_graded")

    monkeypatch.setattr(broadcast, "publish", publish)
    return sent


@pytest.fixture
def grade(client, at):
    """Opens the form and sends it."""

    def send(then="save", *, client=client, seen=None, **typed):
        seen = seen or client.get(at).context["form"]["seen"].value()
        form = {"seen": seen, "then": then, "grade": "", "feedback": "", **typed}
        return client.post(at, form)

    return send
