"""W5, row by row of docs/contract/websocket.md."""

import pytest

from lms.models import AssignmentSubmission, Class, ClassAssignment, Notebook, Student, StudentClass
from tests.realtime.conftest import connected, instructor

pytestmark = pytest.mark.django_db(transaction=True)

STUDENT = "/api/v1/v1/progress/ws/student/hanako@example.com"
INSTRUCTOR = "/api/v1/progress/ws/instructor"


async def hanako() -> Student:
    student = await Student.objects.acreate(email="hanako@example.com", execution_count=10, error_count=5)
    python = await Class.objects.acreate(class_code="PY", name="Python")
    await StudentClass.objects.acreate(student=student, class_ref=python)
    notebook = await Notebook.objects.acreate(path="a.ipynb", name="a.ipynb")
    for title in ("one", "two"):
        made = await ClassAssignment.objects.acreate(class_ref=python, notebook=notebook, title=title)
    for _ in range(2):
        await AssignmentSubmission.objects.acreate(assignment=made, student=student)
    return student


@pytest.mark.parametrize("path", [STUDENT, STUDENT + "/", STUDENT.replace("v1/v1", "v1")])
async def test_w5_initial_progress_and_get_progress(redis, path):
    await hanako()
    async with connected(path) as peer:
        assert peer.first["type"] == "initial_progress"
        summary = peer.first["data"]
        assert (summary["total_assignments"], summary["completed_assignments"]) == (2, 1)
        assert (summary["overall_progress_percentage"], summary["error_rate"]) == (50.0, 0.5)
        await peer.say(type="get_progress")
        answer = await peer.communicator.receive_json_from()
        assert (answer["type"], answer["data"]) == ("progress_update", summary)


async def test_w5_student_nobody_knows(redis):
    async with connected(STUDENT) as peer:
        assert peer.first["data"] == {"user_id": "hanako@example.com"}


async def test_w5_initial_data_all_progress_and_detail(redis, django_assert_max_num_queries):
    student = await hanako()
    async with connected(INSTRUCTOR) as peer:
        assert peer.first["type"] == "initial_data"
        assert peer.first["data"]["stats"]["total_students"] == 1
        answer = await peer.ask(type="get_all_progress")
        assert (answer["type"], answer["data"]) == ("all_progress_update", peer.first["data"])
        for called in (student.pk, student.email):
            answer = await peer.ask(type="get_student_detail", user_id=called)
            assert (answer["type"], answer["data"]["student_id"]) == ("student_detail", student.pk)
        assert (await peer.ask(type="get_student_detail", user_id="nobody"))["type"] == "error"
        assert (await peer.ask(type="get_student_detail"))["type"] == "error"


async def test_w5_authentication_shows_own_students_only(redis, authentication):
    student = await hanako()
    teacher, other = await instructor(), await instructor("other@example.com")
    await Class.objects.all().aupdate(instructor=teacher)
    async with connected(f"{INSTRUCTOR}?token={teacher.token}") as peer:
        assert [row["student_id"] for row in peer.first["data"]["students_progress"]] == [student.pk]
    async with connected(f"{INSTRUCTOR}?token={other.token}") as peer:
        assert peer.first["data"]["students_progress"] == []
        assert (await peer.ask(type="get_student_detail", user_id=student.pk))["type"] == "error"
