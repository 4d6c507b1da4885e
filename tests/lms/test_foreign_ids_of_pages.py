"""Ids of another class in forms of the pages, and in the second place of an address below one's own class. The pages
are read from the URLs, so that a new one is walked by itself."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern

from classroom.setup import urls as setup
from classroom.urls import urlpatterns
from instructors.models import AuditLog
from lms.models import (
    SavedComment,
)
from tests.lms.foreign_rows import deeply_filled, rows_of_three_classes


@pytest.fixture
def ids(cast, locked, settings) -> dict[str, Any]:
    settings.RATE_LIMITS = False
    return rows_of_three_classes(cast)


# --- Pages ----------------------------------------------------------------------------------------------------------

# What a place in an address is of another class.
PLACES = {
    "student_id": "{ken}",
    "assignment_id": "{traits}",
    "submission_id": "{foreign_work}",
    "room_id": "{foreign_room}",
    "notebook_id": "{foreign_notebook}",
    "note_id": "{foreign_note}",
    "key_id": "{foreign_key}",
    "token_id": "{foreign_device}",
    "account_id": "{suzuki}",
    "invitation_id": "{foreign_invitation}",
    "request_id": "{foreign_request}",
    "cell_id": "{foreign_cell}",
}
OWN = {
    "class_id": "{python}",
    "student_id": "{hanako}",
    "assignment_id": "{loops}",
    "notebook_id": "{own_notebook}",
    "note_id": "{own_note}",
    "cell_id": "{own_cell}",
    "digest": "0123456789abcdef",
    "ref": "c{foreign_version}",
}
FIELDS = {"role": "assistant", "act": "dismiss_help", "text": "x", "step": "correct", "email": "x@example.com"}


def pages() -> list[tuple[str, str]]:
    """Each page of a class with one place of its address to fill with what is another class's."""
    found = []
    for entry in [*urlpatterns, *setup.urlpatterns]:
        route = str(entry.pattern) if isinstance(entry, URLPattern) else ""
        if route.startswith("classes/<int:class_id>/"):
            found += [(route, place) for place in re.findall(r"<\w+:(\w+)>", route)[1:] if place in PLACES]
    return found


@pytest.mark.parametrize(("route", "place"), pages())
def test_an_id_of_another_class_below_one_s_own(cast, ids, redis, plain_templates, route, place):
    client = Client(raise_request_exception=False)
    client.force_login(cast.sato)
    names = {**OWN, place: PLACES[place]}
    address = "/" + re.sub(r"<\w+:(\w+)>", lambda found: str(names[found[1]]).format(**ids), route)
    before = AuditLog.objects.exclude(action__endswith="_view").count()
    answers = [client.get(address), client.post(address, FIELDS)]
    gone = 302 if place == "request_id" else 404  # an erased student's request is said to be open no more
    assert {answer.status_code for answer in answers} <= {gone, 404, 405}, address
    assert AuditLog.objects.exclude(action__endswith="_view").count() == before


# Path, fields of a form that is right, and for each field what is another class's; right forms leave an audit entry.
FORMS: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    (
        "setup/students/move/",
        {"student": "{hanako}", "target": "{second}", "step": "move"},
        {"student": "{ken}", "target": "{rust}"},
    ),
    (
        "setup/students/merge/",
        {"student": ["{hanako}", "{jiro}"], "keep": "{hanako}", "step": "merge"},
        {"student": ["{hanako}", "{ken}"], "keep": "{ken}"},  # type: ignore[dict-item]
    ),
    ("setup/people/hand-over/", {"account": "{admin}"}, {"account": "{suzuki}"}),
    ("setup/privacy/code/", {"student": "{hanako}"}, {"student": "{ken}"}),
    (
        "room/rooms/{own_room}/people/",
        {"act": "place", "student": "{hanako}", "seat": "{own_seat}"},
        {"student": "{ken}", "seat": "{foreign_seat}"},
    ),
    ("room/rooms/{own_room}/copy/", {"to": "{second}", "copy_name": "Copy"}, {"to": "{rust}"}),
    ("assignments/{loops}/copy/", {"to": "{second}", "days": "7"}, {"to": "{rust}"}),
    ("assignments/{loops}/comments/", {"delete": "{own_comment}"}, {"delete": "{foreign_comment}"}),
    (
        "submissions/{own_work}/",
        {"grade": "5", "rubric": "{own_item}", "seen": "{own_seen}"},
        {"rubric": "{foreign_item}"},
    ),
    ("room/map/place/", {"map": "{own_map}", "team": "A", "x": "5", "y": "5"}, {"map": "{foreign_map}"}),
]


@pytest.mark.parametrize(("path", "right", "foreign"), FORMS, ids=lambda value: str(value)[:40])
def test_an_id_of_another_class_in_a_form(cast, ids, redis, plain_templates, path, right, foreign):
    client = Client(raise_request_exception=False)
    client.force_login(cast.sato)
    address = f"/classes/{cast.python.pk}/{path.format(**ids)}"

    def changes() -> int:
        return AuditLog.objects.exclude(action__endswith="_view").count()

    before = changes()
    for field, other in foreign.items():
        for also in ({}, {"to": "{go}"} if "to" in right else {"student": "{mika}"} if field == "student" else {}):
            answer = client.post(address, deeply_filled({**right, field: other, **also}, ids))
            assert answer.status_code in (302, 404, 422), (field, also)
            assert not any(secret in answer.content.decode() for secret in ("ken@", "Traits", "secret of")), field
            assert changes() == before, (field, also)
    assert client.post(address, deeply_filled(right, ids)).status_code in (200, 302)
    assert changes() > before, "the form itself is right"


def test_a_saved_comment_of_another_class_is_not_inserted(cast, ids, redis):
    client = Client()
    client.force_login(cast.sato)
    address = f"/classes/{cast.python.pk}/submissions/{ids['own_work']}/"
    mine = SavedComment.objects.create(assignment=cast.loops, text="well said")
    SavedComment.objects.filter(pk=ids["foreign_comment"]).update(text="a foreign word")
    assert b"well said" in client.post(address, {"insert": mine.pk}).content
    assert b"a foreign word" not in client.post(address, {"insert": ids["foreign_comment"]}).content
