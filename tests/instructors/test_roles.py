"""Who may open what: every page and every action, asked for by five kinds of people. A new address without a row fails.

An assistant sees and helps, and neither grades nor sets up. What is not somebody's is not there (404), but for the
set-up of a class that an assistant is in: that they may not change it is no secret (403).
"""

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse

from classroom.students.models import StudentNote
from classroom.urls import urlpatterns
from instructors.models import AuditLog, Instructor
from lms.models import ClassKey, ClassStaff
from tests.browser.lesson import fill
from tests.lms.tokens.conftest import device_of
from tests.visitors import Undoing, Visitors

pytestmark = pytest.mark.usefixtures("plain_templates")

#           nobody · a stranger who teaches · an assistant of the class · its instructor · an admin
NOBODY = "404 404 404 404 404"
ANYBODY = "200 302 302 302 302"
PUBLIC = "200 200 200 200 200"
TO_OWN_PAGE = "302 302 302 302 302"  # which asks for the code
LOGGED_IN = "302 200 200 200 200"
SEES = "302 404 200 200 200"
SEES_NEXT = "302 404 302 302 302"  # leads on to what is there
TEACHES = "302 404 404 200 200"
SETS_UP = "302 404 403 200 200"
ADMIN = "302 404 404 404 200"
NOT_SO = "405 405 405 405 405"
# Who gets in with an empty form is told what is missing: 400, 422, or 404 for a thing that it does not name.
HELPS_400, HELPS_422 = "302 404 400 400 400", "302 404 422 422 422"
TEACHES_302, TEACHES_400, TEACHES_404, TEACHES_422 = (
    f"302 404 404 {status} {status}" for status in (302, 400, 404, 422)
)
SETS_UP_302, SETS_UP_400, SETS_UP_404, SETS_UP_422 = (
    f"302 404 403 {status} {status}" for status in (302, 400, 404, 422)
)
ADMIN_302, ADMIN_400, ADMIN_422 = (f"302 404 404 404 {status}" for status in (302, 400, 422))
UNNAMED = "302 404 404 404 404"

# name: what GET answers, and what an empty POST does
ROWS = {
    "classes": (LOGGED_IN, NOT_SO),
    "login": (ANYBODY, ANYBODY),
    "logout": (NOT_SO, "302 302 302 302 302"),
    "display": (NOT_SO, "400 400 400 400 400"),
    "analytics_report": (
        "302 404 404 404 404",
        NOT_SO,
    ),  # of somebody else; its own is in test_analytics_report_page.py
    "invitation": (NOBODY, NOBODY),  # a guessed link
    "first_account": (NOBODY, NOBODY),  # a guessed link
    # --- Of students; what opens a student's own page is in test_own_page.py
    "privacy": (PUBLIC, NOT_SO),
    "own_page": (PUBLIC, NOT_SO),
    "own_page_open": (NOT_SO, "422 422 422 422 422"),
    "own_page_copy": (NOT_SO, TO_OWN_PAGE),
    "own_page_erasure": (NOT_SO, TO_OWN_PAGE),
    "own_page_withdraw": (NOT_SO, TO_OWN_PAGE),
    "own_page_leave": (NOT_SO, TO_OWN_PAGE),
    "account": (LOGGED_IN, NOT_SO),
    "account_password": (NOT_SO, LOGGED_IN),
    "account_logins_end": (NOT_SO, "302 302 302 302 302"),
    "account_login_end": (NOT_SO, UNNAMED),
    "account_token": (NOT_SO, LOGGED_IN),
    "accounts": (ADMIN, NOT_SO),
    "account_password_link": (NOT_SO, ADMIN),
    "password_forgotten": ("200 200 200 200 200", "200 200 200 200 200"),
    "password_link": ("410 410 410 410 410", "410 410 410 410 410"),  # a guessed link
    "class_live": (SEES, NOT_SO),
    "everybody": (ADMIN, NOT_SO),
    # --- Pages of a room, of a class and of everybody
    "class_cards": (SEES, NOT_SO),
    "class_attention": (SEES, NOT_SO),
    "class_attention_act": (NOT_SO, HELPS_400),
    "class_student": (SEES, NOT_SO),
    "class_note_add": (NOT_SO, HELPS_422),
    "class_note": (NOT_SO, HELPS_422),
    "class_note_delete": (NOT_SO, "302 404 404 302 302"),  # its author, and admins
    "class_cells": (SEES, NOT_SO),
    "class_cell_states": (UNNAMED, NOT_SO),
    "class_cell_details": (UNNAMED, NOT_SO),
    "class_clusters": (SEES, NOT_SO),
    "class_cluster": (SEES, NOT_SO),
    "class_hint": (NOT_SO, HELPS_422),
    "class_room": (SEES, NOT_SO),
    "class_map_upload": (NOT_SO, TEACHES_400),
    "class_map_plain": (NOT_SO, TEACHES_302),
    "class_map_delete": (NOT_SO, TEACHES_404),
    "class_map_place": (NOT_SO, TEACHES_404),
    "class_map_take_off": (NOT_SO, TEACHES_404),
    "class_map_arrange": (NOT_SO, TEACHES_404),
    "class_activity": (SEES, NOT_SO),
    "everybody_cards": (ADMIN, NOT_SO),
    "everybody_attention": (ADMIN, NOT_SO),
    "everybody_attention_act": (NOT_SO, ADMIN_400),
    "everybody_student": (ADMIN, NOT_SO),
    "everybody_note_add": (NOT_SO, ADMIN_422),
    "everybody_note": (NOT_SO, ADMIN_422),
    "everybody_note_delete": (NOT_SO, ADMIN_302),
    "everybody_cells": (ADMIN, NOT_SO),
    "everybody_cell_states": (UNNAMED, NOT_SO),
    "everybody_cell_details": (UNNAMED, NOT_SO),
    "everybody_clusters": (ADMIN, NOT_SO),
    "everybody_cluster": (ADMIN, NOT_SO),
    "everybody_hint": (NOT_SO, ADMIN_422),
    "everybody_room": (ADMIN, NOT_SO),
    "everybody_map_upload": (NOT_SO, ADMIN_400),
    "everybody_map_plain": (NOT_SO, ADMIN_302),
    "everybody_map_delete": (NOT_SO, UNNAMED),
    "everybody_map_place": (NOT_SO, UNNAMED),
    "everybody_map_take_off": (NOT_SO, UNNAMED),
    "everybody_map_arrange": (NOT_SO, UNNAMED),
    "everybody_activity": (ADMIN, NOT_SO),
    # --- Pages that only a class has
    "class_assignments": (SEES, NOT_SO),
    "assignment_new": (TEACHES, TEACHES_422),
    "assignment": (SEES, NOT_SO),
    "assignment_edit": (TEACHES, TEACHES_422),
    "assignment_next": (SEES_NEXT, NOT_SO),
    "assignment_grades": (SEES, NOT_SO),
    "gradebook": (SEES, NOT_SO),
    "gradebook_table": (SEES, NOT_SO),
    "assignment_extension": (TEACHES, TEACHES_422),
    "assignment_rubric": (TEACHES, TEACHES_422),
    "assignment_comments": (NOT_SO, TEACHES_422),
    "assignment_copy": (TEACHES, TEACHES_422),
    "assignment_nbgrader": (TEACHES, TEACHES_422),
    "assignment_submitted": (TEACHES, NOT_SO),
    "submission": (SEES, TEACHES_302),
    "submission_notebook": (SEES, NOT_SO),
    "submission_download": (SEES, NOT_SO),
    "class_notebooks": (SEES, NOT_SO),
    "notebook": (SEES, NOT_SO),
    "notebook_compare": (SEES_NEXT, NOT_SO),
    "notebook_version": (SEES, NOT_SO),
    "notebook_version_frame": (SEES, NOT_SO),
    "class_environments": (SEES, NOT_SO),
    "class_report": (SEES, NOT_SO),
    "lesson_table": (SEES, NOT_SO),
    "class_lessons": (SEES, NOT_SO),
    "class_lessons_csv": (SEES, NOT_SO),
    # --- Seats: who sets the class up makes rooms and says who sits where
    "class_seat_rooms": (SETS_UP, SETS_UP_422),
    "class_seat_room": (SETS_UP, SETS_UP_422),
    "seat_room_lay_out": (NOT_SO, SETS_UP_422),
    "seat_room_seats": (NOT_SO, SETS_UP_302),
    "seat_room_add": (NOT_SO, SETS_UP_422),
    "seat_room_picture": (NOT_SO, SETS_UP_422),
    "seat_room_copy": (NOT_SO, SETS_UP_422),
    "seat_room_delete": (NOT_SO, SETS_UP_302),
    "class_seats": (SETS_UP, SETS_UP_400),
    "class_seat_list": (SETS_UP, SETS_UP_422),
    # --- Set-up
    "class_new": (LOGGED_IN, LOGGED_IN),
    "class_setup": (SETS_UP, SETS_UP),
    "class_switch": (NOT_SO, SETS_UP_302),
    "class_copy": (SETS_UP, SETS_UP),
    "class_connection": (SETS_UP, NOT_SO),
    "class_connection_state": (SETS_UP, NOT_SO),
    "class_key_make": (NOT_SO, SETS_UP_302),
    "class_key_revoke": (NOT_SO, SETS_UP_302),
    "class_code_make": (NOT_SO, SETS_UP_302),
    "class_code_end": (NOT_SO, SETS_UP_302),
    "class_device_confirm": (NOT_SO, SETS_UP_302),
    "class_device_revoke": (NOT_SO, SETS_UP_302),
    "class_students": (SETS_UP, NOT_SO),
    "class_student_remove": (NOT_SO, SETS_UP_302),
    "class_students_edit": (SETS_UP, SETS_UP_302),
    "class_students_move": (NOT_SO, SETS_UP_302),
    "class_students_merge": (NOT_SO, SETS_UP_302),
    "class_student_address": (SETS_UP, SETS_UP),
    "class_privacy": (SETS_UP, NOT_SO),
    "class_own_code": (NOT_SO, SETS_UP_404),
    "class_erasure_answer": (NOT_SO, SETS_UP_302),
    "class_import": (SETS_UP, SETS_UP),
    "class_students_csv": (SETS_UP, NOT_SO),
    "class_students_template": (SETS_UP, NOT_SO),
    "class_staff": (SETS_UP, NOT_SO),
    "class_invite": (NOT_SO, SETS_UP),
    "class_leave": (NOT_SO, "302 404 302 302 404"),  # an admin is not in the class
    "class_hand_over": (NOT_SO, SETS_UP_302),
    "class_staff_role": (NOT_SO, SETS_UP_400),
    "class_staff_remove": (NOT_SO, SETS_UP_302),
    "class_invitation_cancel": (NOT_SO, SETS_UP_404),
}
MISSING = 999_999


def named(entries: list[URLPattern | URLResolver]) -> dict[str, URLPattern]:
    found: dict[str, URLPattern] = {}
    for entry in entries:
        if isinstance(entry, URLResolver):
            found |= named(entry.url_patterns)
        elif entry.name:
            found[entry.name] = entry
    return found


ADDRESSES = named(urlpatterns)


@pytest.fixture
def people(hanako, taro, kaoru, redis):
    mai = Instructor.objects.create_user("mai@example.com", "x", name="Mai")
    return [None, taro, mai, hanako, kaoru]


@pytest.fixture
def address(people, hanako):
    """The address of that name, with everything it names there in Hanako's class."""
    made = fill(hanako.email)
    class_id, assistant = made["class_id"], people[2]
    ClassStaff.objects.create(class_ref_id=class_id, instructor=assistant, role="assistant")
    key = ClassKey.objects.create(class_ref_id=class_id, key_hash="0" * 64)
    cell, digest = str(made["cluster"]).split("/")
    parts = {
        **made,
        "note_id": StudentNote.objects.get().pk,
        "cell_id": int(cell),
        "digest": digest,
        "ref": f"t{made['assignment_id']}",
        "name": "cells",
        "report_id": "guessed",
        "token": "guessed:token",
        "key_id": key.pk,
        "token_id": device_of(key.class_ref, "device@example.com")[0].pk,
        "account_id": assistant.pk,
        "invitation_id": MISSING,
        "request_id": MISSING,
    }
    return lambda name: reverse(name, kwargs={part: parts[part] for part in ADDRESSES[name].pattern.converters})


def answers(visitors, rows, people, method: str, path: str) -> str:
    found = []
    noted = AuditLog.objects.count()
    for who in people:
        answer = visitors.client(who).generic(method, path)
        for _ in answer.streaming_content if answer.streaming else ():
            pass  # its end closes the file
        found.append(str(answer.status_code))
        is_refused = answer.status_code in (403, 404, 405) or "/login/" in answer.headers.get("Location", "")
        if is_refused and rows.has_changes and "/logout/" not in path:
            assert AuditLog.objects.count() == noted, f"{who} was refused, and yet something is noted"
        rows.undo()
    return " ".join(found)


def test_every_address_has_a_row():
    assert set(ADDRESSES) == set(ROWS)


def test_who_may_open_it_and_who_may_do_it(people, address):
    """One test for all rows: to make the class takes as long as ten of them."""
    visitors = Visitors(people)
    with Undoing.watching() as rows:
        found = {
            name: tuple(answers(visitors, rows, people, method, address(name)) for method in ("GET", "POST"))
            for name in ROWS
        }
    assert {name: row for name, row in found.items() if row != ROWS[name]} == {}


def test_nothing_is_done_without_the_token_of_the_form(people, address, kaoru):
    client = Client(enforce_csrf_checks=True)
    client.force_login(kaoru)
    open_doors = [
        name for name, (_, post) in ROWS.items() if post != NOT_SO and client.post(address(name)).status_code != 403
    ]
    assert open_doors == []
