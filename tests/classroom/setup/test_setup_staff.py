"""Co-instructors and assistants: added, changed, removed; a class never loses its last instructor."""

import pytest

from instructors.models import AuditLog, Instructor
from lms.models import Class, ClassStaff


@pytest.fixture
def people(python_class) -> str:
    return f"/classes/{python_class.pk}/setup/people/"


@pytest.fixture
def join(python_class):
    def add(account, role="instructor"):
        return ClassStaff.objects.create(class_ref=python_class, instructor=account, role=role)

    return add


def actions() -> list[str]:
    return list(AuditLog.objects.order_by("pk").values_list("action", flat=True))


def invite(client, people, email, role="instructor"):
    return client.post(f"{people}invite/", {"email": email, "role": role}, follow=True).content.decode()


@pytest.mark.parametrize("role", ["instructor", "assistant"])
def test_an_existing_account_is_in_the_class_at_once(signed_in, hanako, taro, python_class, people, role):
    assert "Taro is now in the class." in invite(signed_in(hanako), people, "TARO@example.com", role)
    assert ClassStaff.objects.get().role == role
    assert signed_in(taro).get(f"/classes/{python_class.pk}/").status_code == 200
    assert actions() == ["staff_add"]


def test_somebody_who_is_in_it_stays_what_they_are(signed_in, hanako, taro, join, people):
    join(taro, "assistant")
    assert "Taro is in this class already." in invite(signed_in(hanako), people, taro.email)
    assert "Hanako is in this class already." in invite(signed_in(hanako), people, hanako.email)
    assert ClassStaff.objects.get().role == "assistant"
    assert actions() == []


def test_an_account_that_is_switched_off_is_not_added(signed_in, hanako, taro, people):
    Instructor.objects.filter(pk=taro.pk).update(is_active=False)
    assert "This account is switched off" in invite(signed_in(hanako), people, taro.email)
    assert not ClassStaff.objects.exists()


@pytest.mark.parametrize(("email", "role"), [("no address", "instructor"), ("", "assistant"), ("a@b.jp", "admin")])
def test_bad_input_is_refused_and_stays(signed_in, hanako, people, email, role):
    page = invite(signed_in(hanako), people, email, role)
    assert "form-error" in page
    assert f'value="{email}"' in page or not email
    assert actions() == []


def test_roles_change(signed_in, hanako, taro, join, people):
    join(taro, "assistant")
    client = signed_in(hanako)
    client.post(f"{people}{taro.pk}/role/", {"role": "instructor"})
    assert ClassStaff.objects.get().role == "instructor"
    client.post(f"{people}{taro.pk}/role/", {"role": "instructor"})
    client.post(f"{people}{taro.pk}/role/", {"role": "assistant"})
    assert ClassStaff.objects.get().role == "assistant"
    assert client.post(f"{people}{taro.pk}/role/", {"role": "admin"}).status_code == 400
    assert client.post(f"{people}{hanako.pk}/role/", {"role": "assistant"}).status_code == 404
    assert actions() == ["staff_change", "staff_change"]


def test_an_account_made_to_assist_becomes_an_instructor_with_its_first_class(signed_in, hanako, taro, join, people):
    Instructor.objects.filter(pk=taro.pk).update(role="assistant")
    join(taro, "assistant")
    signed_in(hanako).post(f"{people}{taro.pk}/role/", {"role": "instructor"})
    taro.refresh_from_db()
    assert taro.role == "instructor"


def test_somebody_is_removed(signed_in, hanako, taro, join, python_class, people):
    join(taro)
    signed_in(hanako).post(f"{people}{taro.pk}/remove/")
    assert not ClassStaff.objects.exists()
    assert signed_in(taro).get(f"/classes/{python_class.pk}/").status_code == 404
    assert signed_in(hanako).post(f"{people}{taro.pk}/remove/").status_code == 404
    assert actions() == ["staff_remove"]


def test_a_co_instructor_removes_others_but_not_the_owner(signed_in, hanako, taro, join, people):
    join(taro)
    page = signed_in(taro).post(f"{people}{hanako.pk}/remove/", follow=True).content.decode()
    assert "Hand it over" in page
    assert Class.objects.get().instructor == hanako


@pytest.mark.parametrize("role", ["instructor", "assistant"])
def test_one_leaves(signed_in, taro, join, people, role):
    join(taro, role)
    answer = signed_in(taro).post(f"{people}leave/", follow=True)
    assert answer.redirect_chain[-1][0] == "/"
    assert "You have left" in answer.content.decode()
    assert actions() == ["staff_leave"]


def test_the_owner_does_not_leave(signed_in, hanako, taro, join, people):
    join(taro)
    assert "Hand it over" in signed_in(hanako).post(f"{people}leave/", follow=True).content.decode()
    assert Class.objects.get().instructor == hanako


def test_a_stranger_leaves_nothing(signed_in, taro, people):
    assert signed_in(taro).post(f"{people}leave/").status_code == 404


@pytest.mark.parametrize("path", ["leave/", "{taro}/remove/", "{taro}/role/"])
def test_a_class_without_owner_keeps_its_last_instructor(signed_in, hanako, taro, join, python_class, people, path):
    join(taro)
    join(hanako, "assistant")
    Class.objects.update(instructor=None)
    signed_in(taro).post(people + path.format(taro=taro.pk), {"role": "assistant"})
    assert ClassStaff.objects.filter(instructor=taro, role="instructor").exists()
    assert actions() == []


def test_an_owner_who_is_switched_off_does_not_count(signed_in, hanako, taro, join, people):
    join(taro)
    Instructor.objects.filter(pk=hanako.pk).update(is_active=False)
    signed_in(taro).post(f"{people}leave/")
    assert ClassStaff.objects.filter(instructor=taro).exists()


def test_an_admin_empties_it_neither(signed_in, kaoru, taro, join, people):
    join(taro)
    Class.objects.update(instructor=None)
    signed_in(kaoru).post(f"{people}{taro.pk}/remove/")
    assert ClassStaff.objects.exists()


def test_the_owner_hands_over_and_stays_an_instructor(signed_in, hanako, taro, join, python_class, people):
    join(taro)
    page = signed_in(hanako).post(f"{people}hand-over/", {"account": taro.pk}, follow=True).content.decode()
    assert "Taro now owns the class." in page
    assert Class.objects.get().instructor == taro
    assert [(row.instructor, row.role) for row in ClassStaff.objects.all()] == [(hanako, "instructor")]
    assert actions() == ["class_hand_over"]


def test_only_the_owner_hands_over(signed_in, hanako, taro, kaoru, join, people):
    join(taro)
    page = signed_in(taro).post(f"{people}hand-over/", {"account": taro.pk}, follow=True).content.decode()
    assert "Only the owner" in page
    assert Class.objects.get().instructor == hanako
    signed_in(kaoru).post(f"{people}hand-over/", {"account": taro.pk})
    assert Class.objects.get().instructor == taro


def test_whoever_is_left_takes_over_from_an_owner_who_is_gone(signed_in, hanako, taro, join, people):
    join(taro)
    Instructor.objects.filter(pk=hanako.pk).update(is_active=False)
    signed_in(taro).post(f"{people}hand-over/", {"account": taro.pk})
    assert Class.objects.get().instructor == taro


@pytest.mark.parametrize("who", ["assistant", "stranger", "off"])
def test_nobody_else_becomes_the_owner(signed_in, hanako, taro, kaoru, join, people, who):
    if who != "stranger":
        join(taro, "assistant" if who == "assistant" else "instructor")
    Instructor.objects.filter(pk=taro.pk).update(is_active=who != "off")
    assert signed_in(hanako).post(f"{people}hand-over/", {"account": taro.pk}).status_code == 404
    assert "Choose who" in signed_in(hanako).post(f"{people}hand-over/", {"account": "x"}, follow=True).content.decode()
    assert Class.objects.get().instructor == hanako


def test_the_page_costs_the_same_for_many(signed_in, hanako, join, people, django_assert_max_num_queries):
    for number in range(30):
        join(Instructor.objects.create(email=f"i{number}@example.com", name=f"I{number}", password="!"))
    client = signed_in(hanako)
    with django_assert_max_num_queries(7):
        client.get(people)
