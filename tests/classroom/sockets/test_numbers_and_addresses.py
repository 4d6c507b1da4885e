"""A student whose address is a number is never taken for the student of that number, nor the other way round."""

import pytest

from classroom.sockets import external_subscriber, people
from lms.models import Class, Student, StudentClass
from realtime import groups, messages
from tests.classroom.sockets.school import W2
from tests.realtime.conftest import connected, instructor, send_frame

pytestmark = pytest.mark.django_db(transaction=True)


def pair() -> tuple[Student, Student]:
    """The student of a number, and the one whose address is that number."""
    numbered = Student.objects.create(email="ken@example.com")
    return numbered, Student.objects.create(email=str(numbered.pk))


async def apair() -> tuple[Student, Student]:
    numbered = await Student.objects.acreate(email="ken@example.com")
    return numbered, await Student.objects.acreate(email=str(numbered.pk))


def test_the_field_says_which_is_meant():
    numbered, addressed = pair()
    text = str(numbered.pk)
    assert people.by_number(text).student_id == people.by_number(numbered.pk).student_id == numbered.pk
    assert people.by_address(text).student_id == people.by_either(text).student_id == addressed.pk
    assert people.by_either(numbered.pk).student_id == numbered.pk, "a number in JSON is no address"
    assert people.by_either(str(addressed.pk)).student_id == addressed.pk, "nobody has that address"
    assert people.by_number("ken@example.com").student_id == numbered.pk


def test_the_forms_of_the_one_are_not_those_of_the_other():
    numbered, addressed = pair()
    text = str(numbered.pk)
    for one, other in ((people.by_number(text), addressed), (people.by_either(text), numbered)):
        assert not {*one.forms} & {*groups.forms_of_student(other.pk, other.email)}


def test_nobody_known_stands_by_what_the_field_says():
    assert people.by_number("77").forms == people.by_number("77").first_forms == ["77"]
    assert people.by_address("77").forms == people.by_either("77").forms == [groups.email_form("77")]


def test_a_number_whose_address_nobody_has_yet_hears_both():
    """A client says its address before its first event makes the student known."""
    numbered = Student.objects.create(email="ken@example.com")
    person = people.by_either(str(numbered.pk))
    addressed = Student.objects.create(email=str(numbered.pk))
    assert groups.email_form(addressed.email) in person.first_forms
    assert {*groups.forms_of_student(numbered.pk, numbered.email)} < {*person.forms}


@pytest.mark.parametrize(
    ("field", "means"),
    [("student_id", "numbered"), ("emailAddress", "addressed"), ("email", "addressed"), ("userId", "addressed")],
)
@pytest.mark.parametrize("place", ["top", "data"])
def test_notices_of_other_programs(field, means, place):
    numbered, addressed = pair()
    classes = {}
    for name, student in (("numbered", numbered), ("addressed", addressed)):
        classes[name] = Class.objects.create(class_code=name, name=name)
        StudentClass.objects.create(student=student, class_ref=classes[name])
    named = {field: str(numbered.pk)}
    told = external_subscriber.groups_of({"type": "x", **(named if place == "top" else {"data": named})})
    assert [name for name in told if name.startswith("class.")] == [f"class.{classes[means].pk}"]


def test_a_channel_on_the_wire_is_of_a_number():
    numbered, addressed = pair()
    told = people.groups_of_channel(f"notifications:{numbered.pk}")
    assert f"notifications.{numbered.pk}" in told
    assert f"notifications.{groups.email_form(addressed.email)}" not in told


async def test_a_client_hears_of_the_one_it_is(redis):
    numbered, addressed = await apair()
    async with connected(W2.format(addressed.email)) as peer:
        await send_frame(f"client.{numbered.pk}", messages.DismissHelp(numbered.email))
        assert await peer.hears_nothing()
        await send_frame(f"client.{groups.email_form(addressed.email)}", messages.DismissHelp(addressed.email))
        assert (await peer.hear())["emailAddress"] == addressed.email


async def test_a_reply_reaches_whom_its_number_names(redis):
    numbered, addressed = await apair()
    teacher = await instructor()
    async with (
        connected("/api/v1/ws/ken@example.com") as ken,
        connected(W2.format(addressed.email)) as other,
        connected(f"/instructor/ws?token={teacher.token}") as w3,
    ):
        await w3.ask(type="instructor_reply", student_id=str(numbered.pk), message="Look at line 3")
        assert (await ken.hear())["type"] == "instructor_message"
        assert await other.hears_nothing()
