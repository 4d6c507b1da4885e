"""A link for somebody without an account: opens once, for a week, for one address."""

import html
import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from classroom.setup.models import ClassInvitation
from instructors.models import AuditLog, Instructor
from lms.models import Class, ClassStaff

NEWCOMER = {"name": "Yui", "password": "a good password", "repeated": "a good password"}


@pytest.fixture
def people(python_class) -> str:
    return f"/classes/{python_class.pk}/setup/people/"


@pytest.fixture
def invite(signed_in, hanako, people):
    def send(email="yui@example.com", role="instructor") -> str:
        page = signed_in(hanako).post(f"{people}invite/", {"email": email, "role": role}).content.decode()
        return re.search(r"http://testserver(/invitations/[^<]+)<", html.unescape(page))[1]

    return send


def test_the_link_is_shown_once_and_kept_as_a_hash(invite, signed_in, hanako, people):
    link = invite()
    secret = link.split("/")[2].split(":")[0]
    stored = ClassInvitation.objects.get()
    assert secret not in json.dumps([stored.token_hash, *(entry.details for entry in AuditLog.objects.all())])
    page = signed_in(hanako).get(people).content.decode()
    assert "yui@example.com" in page
    assert secret not in page


@pytest.mark.parametrize("role", ["instructor", "assistant"])
def test_a_newcomer_chooses_name_and_password_and_is_in(invite, client, python_class, role):
    link = invite(role=role)
    assert "Hanako invites you" in client.get(link).content.decode()
    answer = client.post(link, NEWCOMER)
    assert answer.headers["Location"] == f"/classes/{python_class.pk}/"
    assert client.get(answer.headers["Location"]).status_code == 200
    made = Instructor.objects.get(email="yui@example.com")
    assert (made.name, made.role, made.status) == ("Yui", role, "available")
    assert made.check_password("a good password")
    assert ClassStaff.objects.get().role == role
    told = ["invitation_create", "instructor_create", "invitation_accept", "staff_add", "login"]
    assert list(AuditLog.objects.order_by("pk").values_list("action", flat=True)) == told
    assert client.get(f"/classes/{python_class.pk}/setup/").status_code == (200 if role == "instructor" else 403)


def test_it_opens_once(invite, client):
    link = invite()
    client.post(link, NEWCOMER)
    for method in (Client().get, Client().post):
        answer = method(link)
        assert answer.status_code == 410
        assert "no longer open" in answer.content.decode()
    assert Instructor.objects.filter(email="yui@example.com").count() == 1


@pytest.mark.parametrize("why", ["old", "cancelled", "replaced"])
def test_it_does_not_open_when_its_time_is_over(invite, client, signed_in, hanako, people, why):
    link = invite()
    if why == "old":
        ClassInvitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif why == "cancelled":
        signed_in(hanako).post(f"{people}invitations/{ClassInvitation.objects.get().pk}/cancel/")
    else:
        invite("YUI@example.com")
    assert client.post(link, NEWCOMER).status_code == 410
    assert not Instructor.objects.filter(email="yui@example.com").exists()


def test_it_lasts_a_week(invite):
    invite()
    left = ClassInvitation.objects.get().expires_at - timezone.now()
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)


@pytest.mark.parametrize("token", ["guess", "a:b", "a:b:c", "%00:x"])
def test_what_is_no_link_does_not_exist(client, db, token):
    assert client.get(f"/invitations/{token}/").status_code == 404


def test_a_link_that_was_changed_does_not_exist(invite, client):
    link = invite()
    assert client.get(link.replace("/invitations/", "/invitations/x")).status_code == 404


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": " "}, "This field is required"),
        ({"password": "short", "repeated": "short"}, "at least 8 characters"),
        ({"repeated": "another password"}, "The two passwords differ."),
    ],
)
def test_bad_input_is_refused_and_the_link_stays_open(invite, client, fields, words):
    link = invite()
    page = client.post(link, {**NEWCOMER, **fields}).content.decode()
    assert words in page
    assert "a good password" not in page
    assert client.post(link, NEWCOMER).status_code == 302


def test_whoever_has_an_account_by_now_logs_in_and_joins(invite, client, signed_in, python_class):
    link = invite()
    yui = Instructor.objects.create_user("Yui@example.com", "correct horse", name="Yui")
    page = client.get(link).content.decode()
    assert f"/login/?next={link}" in html.unescape(page).replace("%3A", ":")
    assert client.post(link, NEWCOMER).status_code == 200
    assert not ClassStaff.objects.exists()
    assert signed_in(yui).post(link).headers["Location"] == f"/classes/{python_class.pk}/"
    assert ClassStaff.objects.get().instructor == yui


def test_a_link_is_for_its_address_only(invite, signed_in, taro):
    link = invite()
    page = signed_in(taro).get(link).content.decode()
    assert "this invitation is for another address" in page
    assert signed_in(taro).post(link).status_code == 200
    assert not ClassStaff.objects.exists()


def test_another_classs_invitation_is_not_cancelled(invite, signed_in, taro):
    invite()
    other = Class.objects.create(class_code="RS", name="Rust", instructor=taro)
    path = f"/classes/{other.pk}/setup/people/invitations/{ClassInvitation.objects.get().pk}/cancel/"
    assert signed_in(taro).post(path).status_code == 404
    assert ClassInvitation.objects.get().closed_at is None
