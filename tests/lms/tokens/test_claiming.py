"""POST /me/token: with the class key or a class code a device gets a token for one student in one class."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from instructors.models import AuditLog
from lms.models import ClassCode, Student, StudentClass, StudentToken
from lms.student_tokens import MAX_WAITING, PROTECTED
from tests.lms.conftest import the_problem
from tests.lms.tokens.conftest import code_of, device_of

pytestmark = pytest.mark.usefixtures("locked")


def test_the_first_device_is_active(cast, claim, python_key):
    response = claim(key=python_key, device="laptop", client="cell-monitor-lab/0.1.0")
    assert response.status_code == 201
    told = response.json()
    assert re.fullmatch(r"[\w-]{43}", told.pop("token"))
    assert re.fullmatch(r"\d\d", told.pop("check_number"))
    assert told == {
        "status": "active",
        "student": {"id": cast.hanako.pk, "email": "hanako@example.com", "name": "Hanako", "team": None},
        "class": {"id": cast.python.pk, "name": "Python", "class_code": "PY-101"},
    }
    row = StudentToken.objects.get()
    assert (row.student, row.class_ref, row.device, row.client) == (
        cast.hanako,
        cast.python,
        "laptop",
        "cell-monitor-lab/0.1.0",
    )


def test_only_the_hash_is_stored(claim, python_key):
    token = claim(key=python_key).json()["token"]
    stored = StudentToken.objects.values_list().get()
    assert token not in map(str, stored)
    assert StudentToken.hash(token) in stored


def test_it_makes_and_enrols_the_student_like_an_event(cast, claim, python_key):
    told = claim(key=python_key, email=" Jiro@Example.com ", userName="Jiro", teamName="チームA").json()
    student = Student.objects.get(email_key="jiro@example.com")
    assert told["student"] == {"id": student.pk, "email": "Jiro@Example.com", "name": "Jiro", "team": "チームA"}
    enrolment = StudentClass.objects.get(student=student, class_ref=cast.python)
    assert (enrolment.name, enrolment.team.team_name) == ("Jiro", "チームA")
    assert student.name == "Jiro"


def test_the_name_of_a_known_student_is_kept_where_none_is_sent(cast, claim, python_key):
    assert claim(key=python_key, userName="  ").json()["student"]["name"] == "Hanako"


@pytest.mark.parametrize("place", ["header", "query"])
def test_the_key_may_be_in_the_header_or_the_address(ask, python_key, place):
    headers = {"X-Class-Key": python_key} if place == "header" else {}
    query = "" if headers else f"?key={python_key}"
    response = ask("POST", f"/me/token{query}", {"userId": "hanako@example.com"}, **headers)
    assert response.status_code == 201


@pytest.mark.parametrize("typed", ["{}", "{:.4}-{:.4}", " {} ", "lower", "ｗｉｄｅ"])
def test_a_class_code_in_any_writing(cast, claim, typed):
    code = code_of(cast.python)
    wide = "".join(chr(ord(character) + 0xFEE0) for character in code)
    forms = {"{}": code, "{:.4}-{:.4}": f"{code[:4]}-{code[4:]}", " {} ": f" {code} "}
    forms |= {"lower": code.lower(), "ｗｉｄｅ": wide}
    assert claim(code=forms[typed]).json()["class"]["id"] == cast.python.pk


def test_codes_have_no_letters_that_look_alike(cast):
    for _ in range(50):
        assert not set("01OILU") & set(code_of(cast.python))


def test_a_second_device_waits(cast, claim, python_key):
    device_of(cast.python, "hanako@example.com")
    told = claim(key=python_key, userName="Somebody else", teamName="Another team").json()
    assert told["status"] == "waiting"
    assert told["student"] == {"id": cast.hanako.pk, "email": "hanako@example.com", "name": None, "team": None}
    assert StudentClass.objects.get(student=cast.hanako, class_ref=cast.python).name == "Hanako"


def test_a_device_of_another_class_is_no_first_one(cast, claim, python_key):
    device_of(cast.rust, "hanako@example.com")
    assert claim(key=python_key).json()["status"] == "active"


def test_after_the_only_device_was_revoked_the_next_is_the_first_again(cast, claim, python_key):
    device_of(cast.python, "hanako@example.com")
    StudentToken.objects.update(revoked_at=datetime.now(UTC))
    assert claim(key=python_key).json()["status"] == "active"


def test_a_spelling_of_the_address_is_the_same_student(cast, claim, python_key):
    device_of(cast.python, "hanako@example.com")
    assert claim(key=python_key, email="ＨＡＮＡＫＯ@example.com").json()["status"] == "waiting"


def test_waiting_devices_are_bounded_and_numbers_differ(cast, claim, python_key):
    device_of(cast.python, "hanako@example.com")
    for _ in range(MAX_WAITING):
        assert claim(key=python_key).json()["status"] == "waiting"
    waiting = StudentToken.objects.filter(confirmed_at=None, revoked_at=None)
    assert len({row.check_number for row in waiting}) == MAX_WAITING
    refused = claim(key=python_key)
    assert refused.status_code == 429, "nobody pushes out a device whose number is being compared"
    assert 0 < int(refused.headers["Retry-After"]) <= PROTECTED.total_seconds()
    oldest = waiting.order_by("pk").first()
    StudentToken.objects.filter(pk=oldest.pk).update(created_at=datetime.now(UTC) - PROTECTED)
    assert claim(key=python_key).json()["check_number"] != oldest.check_number
    assert waiting.count() == MAX_WAITING
    assert oldest not in waiting.all()


def test_however_many_devices_a_student_has_there_is_a_number(cast, claim, python_key):
    device_of(cast.python, "hanako@example.com")
    for number in range(10, 100):
        row, _ = device_of(cast.python, "hanako@example.com")
        StudentToken.objects.filter(pk=row.pk).update(check_number=number, confirmed_at=datetime.now(UTC))
    assert claim(key=python_key).status_code == 201


# --- Refusals -----------------------------------------------------------------------------------------------------


def test_without_a_key_or_code(claim):
    response = claim()
    assert response.status_code == 401
    assert "class code" in response.json()["detail"]


def test_an_unknown_key(claim):
    assert claim(key="unknown").status_code == 401
    assert not StudentToken.objects.exists()


def test_an_unknown_code(claim):
    response = claim(code="K7QF-2M9X")
    assert (response.status_code, response.json()) == (401, {"detail": "Unknown or expired class code"})


def test_an_expired_code_is_refused_like_an_unknown_one(cast, claim):
    code = code_of(cast.python, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    response = claim(code=code)
    assert (response.status_code, response.json()) == (401, {"detail": "Unknown or expired class code"})


def test_a_new_code_ends_the_old_one(cast, claim):
    old, new = code_of(cast.python), code_of(cast.python)
    assert claim(code=old).status_code == 401
    assert claim(code=new).status_code == 201
    assert ClassCode.objects.filter(class_ref=cast.python, expires_at__gt=datetime.now(UTC)).count() == 1


@pytest.mark.parametrize("by", ["key", "code"])
def test_a_class_that_is_not_active(cast, claim, python_key, by):
    code = code_of(cast.python)
    type(cast.python).objects.update(is_active=False)
    response = claim(key=python_key) if by == "key" else claim(code=code)
    assert (response.status_code, response.json()) == (403, {"detail": "This class is not active"})


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"email": None}, "null_not_allowed"),
        ({"email": "  "}, "string_too_short"),
        ({"email": "a" * 321}, "string_too_long"),
        ({"email": "㈱" * 300}, "string_too_long"),
        ({"device": "d" * 101}, "string_too_long"),
        ({"client": "c" * 61}, "string_too_long"),
        ({"userName": "n" * 256}, "string_too_long"),
        ({"teamName": 7}, "value_error"),
    ],
)
def test_fields_that_are_refused(claim, python_key, fields, kind):
    problem = the_problem(claim(key=python_key, **fields))
    assert problem["loc"] == ["body", "userId" if "email" in fields else next(iter(fields))]
    assert problem["type"] == kind
    assert not StudentToken.objects.exists()


def test_many_wrong_codes_from_one_address(cast, claim, settings, redis):
    settings.CLASS_CODE_FAILURES = 3
    code = code_of(cast.python)
    assert [claim(code="K7QF2M9X").status_code for _ in range(3)] == [401] * 3
    response = claim(code=code)
    assert (response.status_code, response.json()) == (429, {"detail": "Too many requests"})
    assert 0 < int(response["Retry-After"]) <= 300


def test_right_codes_and_keys_do_not_count_as_wrong_ones(cast, claim, settings, redis, python_key):
    settings.CLASS_CODE_FAILURES = 2
    code = code_of(cast.python)
    assert [claim(code=code).status_code for _ in range(4)] == [201] * 4
    assert [claim(code="K7QF2M9X").status_code for _ in range(3)] == [401, 401, 429]
    assert claim(key=python_key).status_code == 201


def test_who_guesses_locks_nobody_out_of_the_class_that_joined_from_there(cast, claim, settings, redis):
    """A class of two hundred shares one address; of another class nothing can be guessed from there."""
    settings.CLASS_CODE_FAILURES = 3
    python, rust = code_of(cast.python), code_of(cast.rust)
    assert claim(code=python).status_code == 201
    assert [claim(code="K7QF2M9X").status_code for _ in range(4)] == [401, 401, 401, 429]
    assert claim(code=python, email="jiro@example.com").status_code == 201
    assert claim(code=rust, email="jiro@example.com").status_code == 429
    assert claim(code=code_of(cast.python), email="mei@example.com").status_code == 201, "a new code of the class too"


def test_the_address_where_the_code_was_made_may_join(cast, claim, settings, redis):
    settings.CLASS_CODE_FAILURES = 3
    teacher = Client()
    teacher.force_login(cast.sato)
    assert [claim(code="K7QF2M9X").status_code for _ in range(4)] == [401, 401, 401, 429]
    assert teacher.post(f"/classes/{cast.python.pk}/setup/connection/code/").status_code == 302
    made = ClassCode.objects.get(class_ref=cast.python, expires_at__gt=datetime.now(UTC))
    assert claim(code=made.code).status_code == 201


def test_no_limit_where_limits_are_off(claim, settings, redis):
    settings.CLASS_CODE_FAILURES, settings.RATE_LIMITS = 1, False
    assert [claim(code="K7QF2M9X").status_code for _ in range(3)] == [401] * 3


def test_the_audit_log_tells_of_it(cast, claim, python_key):
    claim(key=python_key)
    entry = AuditLog.objects.get(action="student_token_claim")
    row = StudentToken.objects.get()
    assert (entry.target_type, entry.target_id) == ("student", str(cast.hanako.pk))
    assert entry.details == {"class": cast.python.pk, "hint": row.hint, "status": "active"}
