"""One-time codes and the sessions they open: who gets in, once, and for how long."""

import json
from datetime import UTC, datetime

import pytest
from django.test import Client

from classroom.privacy import access
from classroom.privacy.access import Subject, make_code
from instructors.models import AuditLog
from lms import student_tokens
from lms.models import Class, StudentClass, StudentToken


def device_of(class_ref: Class, email: str) -> tuple[StudentToken, str]:
    return student_tokens.claim(class_ref.pk, student_tokens.Claim(email=email), now=datetime.now(UTC))


def ask(token: str):
    return Client().post("/api/v1/me/page", headers={"Authorization": f"Student {token}"})


def test_a_device_gets_a_code_that_opens_the_page_once(redis, python_class, ren):
    _, token = device_of(python_class, ren.email)
    answer = ask(token)
    assert answer.status_code == 201
    body = answer.json()
    address, _, code = body["url"].partition("#")
    assert address.endswith("/me/")
    assert code == body["code"]
    assert token not in answer.content.decode()
    client = Client()
    assert client.post("/me/open/", {"code": code.lower().replace("-", " ")}).status_code == 302
    assert "ren@example.com" in client.get("/me/").content.decode()
    again = Client().post("/me/open/", {"code": code})
    assert again.status_code == 422
    assert "was used already" in again.content.decode()
    assert AuditLog.objects.filter(action="own_page_open", target_id=str(ren.pk)).count() == 1


def test_the_session_is_a_short_cookie_for_these_addresses_alone(redis, python_class, ren):
    answer = Client().post("/me/open/", {"code": make_code(Subject(student_id=ren.pk, class_id=python_class.pk))})
    [cookie] = [morsel for name, morsel in answer.cookies.items() if name.startswith("student_")]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"], cookie["max-age"]) == ("Strict", "/me/", 1800)


@pytest.mark.parametrize("code", ["", "ABCDE-FGHJK", "x" * 500, "\0"])
def test_a_wrong_code_opens_nothing(redis, db, code):
    client = Client()
    assert client.post("/me/open/", {"code": code}).status_code == 422
    assert "Type the code" in client.get("/me/").content.decode()


def test_guessing_is_stopped(redis, db, settings):
    settings.RATE_LIMITS, settings.CLASS_CODE_FAILURES = True, 3
    found = [Client().post("/me/open/", {"code": "ABCDE-FGHJK"}).status_code for _ in range(5)]
    assert found == [422, 422, 422, 429, 429]


def test_who_guesses_locks_nobody_out_of_the_class_that_shares_the_address(redis, python_class, ren, settings):
    settings.RATE_LIMITS, settings.CLASS_CODE_FAILURES = True, 3
    _, token = device_of(python_class, ren.email)
    for _ in range(4):
        Client().post("/me/open/", {"code": "ABCDE-FGHJK"})
    code = ask(token).json()["code"]
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    for _ in range(4):
        elsewhere.post("/me/open/", {"code": "ABCDE-FGHJK"})
    assert elsewhere.post("/me/open/", {"code": code}).status_code == 429, (
        "of a stranger a right code is no more either"
    )
    assert Client().post("/me/open/", {"code": code}).status_code == 302, "and the code is not used up by it"


def test_a_code_expires(redis, python_class, ren):
    make_code(Subject(student_id=ren.pk, class_id=python_class.pk))
    [key] = redis.keys("own_page:*")
    assert 0 < redis.ttl(key) <= access.CODE_SECONDS


def test_a_revoked_device_closes_the_page(open_as, python_class, ren):
    row, _ = device_of(python_class, ren.email)
    client = open_as(ren, token_id=row.pk)
    assert "ren@example.com" in client.get("/me/").content.decode()
    student_tokens.revoke(StudentToken.objects.filter(pk=row.pk), now=datetime.now(UTC))
    assert "ren@example.com" not in client.get("/me/").content.decode()


def test_who_is_taken_out_of_the_class_is_out(open_as, ren):
    client = open_as(ren)
    StudentClass.objects.filter(student=ren).delete()
    assert "ren@example.com" not in client.get("/me/").content.decode()


def test_a_forged_cookie_is_none(db, settings, ren, python_class):
    client = Client()
    client.cookies[f"student_{settings.COOKIE_SUFFIX}"] = json.dumps([ren.pk, python_class.pk, None])
    assert "ren@example.com" not in client.get("/me/").content.decode()


def test_a_device_that_waits_gets_no_code(redis, python_class, ren):
    device_of(python_class, ren.email)
    _, waiting = device_of(python_class, ren.email)
    assert ask(waiting).status_code == 403
    assert Client().post("/api/v1/me/page").status_code == 401


def test_an_instructor_makes_a_code_and_an_assistant_does_not(
    redis, signed_in, hanako, taro, python_class, ren, stranger
):
    address = f"/classes/{python_class.pk}/setup/privacy/"
    answer = signed_in(hanako).post(f"{address}code/", {"student": ren.pk})
    code = answer.content.decode().split("data-own-code>")[1].split("<")[0]
    client = Client()
    client.post("/me/open/", {"code": code})
    assert "ren@example.com" in client.get("/me/").content.decode()
    assert signed_in(hanako).post(f"{address}code/", {"student": stranger.pk}).status_code == 404
    assert signed_in(taro).get(address).status_code == 404
    python_class.staff.create(instructor=taro, role="assistant")
    assert signed_in(taro).post(f"{address}code/", {"student": ren.pk}).status_code == 403


def test_leaving_ends_the_session(open_as, ren):
    client = open_as(ren)
    client.post("/me/leave/")
    assert "ren@example.com" not in client.get("/me/").content.decode()


def test_without_redis_it_says_so(python_class, ren, monkeypatch):
    def away():
        raise OSError

    monkeypatch.setattr(access, "_redis", away)
    answer = Client().post("/me/open/", {"code": "ABCDE-FGHJK"})
    assert answer.status_code == 503
    assert "Try again soon" in answer.content.decode()
