"""Every page there is, by name: the accessibility suite and the screenshots walk this table.

A new page is one line. Where it needs more than a class and a student, add what it needs to `Cast`, and make it in
tests/browser/lesson.py.
"""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page


@dataclass(frozen=True)
class Cast:
    """The ids that addresses are made of."""

    class_id: int
    student_id: int
    cell_id: int  # one that several students fail in, and
    cluster: str  # how the address names their error
    notebook_id: int
    assignment_id: int
    submission_id: int
    room_id: int = 0


@dataclass(frozen=True)
class Place:
    name: str
    address: Callable[[Cast], str]
    signed_in: bool = True
    modes: tuple[str, ...] = ()  # "projector", "walking": how else the page is looked at
    ready: str = "main"  # a selector that is there once the page has settled


def in_class(page: str) -> Callable[[Cast], str]:
    return lambda cast: f"/classes/{cast.class_id}/" + page.format(cast)


def of_student(part: str) -> Callable[[Cast], str]:
    return in_class("students/{0.student_id}/" + part)


LIVE = '#freshness[data-state="live"]'

PLACES = [
    Place("login", lambda cast: "/login/", signed_in=False),
    Place("password forgotten", lambda cast: "/password/", signed_in=False),
    Place("password link, no longer open", lambda cast: "/password/guessed-token/", signed_in=False),
    Place("first account, a guessed link", lambda cast: "/first-account/guessed:token/", signed_in=False),
    Place("account", lambda cast: "/account/"),
    Place("accounts", lambda cast: "/accounts/"),
    Place("only forms", lambda cast: "/display/"),
    Place("classes", lambda cast: "/"),
    Place("new class", lambda cast: "/classes/new/"),
    Place("live", in_class(""), modes=("projector", "walking"), ready=LIVE),
    Place("everybody", lambda cast: "/everybody/", ready=LIVE),
    Place("student", of_student(""), modes=("projector",)),
    Place("student's cell", of_student("?cell={0.cell_id}")),
    Place("student's notes", of_student("?part=notes")),
    Place("student's help", of_student("?part=help")),
    Place("student's lessons", of_student("?part=lessons"), modes=("projector",)),
    Place("student's work", of_student("?part=work")),
    Place("cells", in_class("cells/"), modes=("projector", "walking"), ready=LIVE),
    Place("shared error", in_class("cells/errors/{0.cluster}/"), modes=("projector",)),
    Place("room", in_class("room/?room=teams"), modes=("projector", "walking"), ready=LIVE),
    Place("room with seats", in_class("room/?room={0.room_id}"), modes=("projector", "walking"), ready=LIVE),
    Place("all rooms", in_class("room/?room=all"), ready=LIVE),
    Place("rooms and seats", in_class("room/rooms/")),
    Place("seats of a room", in_class("room/rooms/{0.room_id}/")),
    Place("who sits where", in_class("room/rooms/{0.room_id}/people/"), modes=("projector",)),
    Place("seats from a list", in_class("room/rooms/{0.room_id}/people/list/"), modes=("projector",)),
    Place("activity", in_class("activity/"), ready=LIVE),
    Place("activity of a span", in_class("activity/?from=2026-11-01&to=whenever"), ready=LIVE),
    Place("assignments", in_class("assignments/")),
    Place("gradebook", in_class("assignments/gradebook/"), modes=("projector",)),
    Place("extension", in_class("assignments/{0.assignment_id}/extensions/{0.student_id}/"), modes=("projector",)),
    Place("assignment", in_class("assignments/{0.assignment_id}/"), modes=("projector",)),
    Place("rubric", in_class("assignments/{0.assignment_id}/rubric/")),
    Place("nbgrader", in_class("assignments/{0.assignment_id}/nbgrader/")),
    Place("copy assignment", in_class("assignments/{0.assignment_id}/copy/")),
    Place("edit assignment", in_class("assignments/{0.assignment_id}/edit/")),
    Place("submission", in_class("submissions/{0.submission_id}/"), modes=("projector",)),
    Place("changes", in_class("submissions/{0.submission_id}/?view=changes")),
    Place("notebooks", in_class("notebooks/")),
    Place("history", in_class("notebooks/{0.notebook_id}/"), modes=("projector",)),
    Place(
        "comparison",
        in_class("notebooks/{0.notebook_id}/compare/?old=t{0.assignment_id}&new=s{0.submission_id}"),
    ),
    Place("report", in_class("report/"), modes=("projector",)),
    Place("lessons", in_class("report/lessons/")),
    Place("environments", in_class("environments/"), modes=("projector",), ready=LIVE),
    Place("set-up", in_class("setup/")),
    Place("copy class", in_class("setup/copy/")),
    Place("connection", in_class("setup/connection/")),
    Place("students", in_class("setup/students/"), modes=("projector",)),
    Place("edit students", in_class("setup/students/edit/")),
    Place("address", in_class("setup/students/{0.student_id}/address/")),
    Place("import", in_class("setup/students/import/")),
    Place("staff", in_class("setup/people/")),
    Place("class's privacy", in_class("setup/privacy/")),
    Place("privacy", lambda cast: "/privacy/", signed_in=False),
    Place("code of the own page", lambda cast: "/me/", signed_in=False),
]


def log_in(page: Page, *, url: str, email: str, password: str) -> None:
    page.goto(f"{url}/login/")
    page.locator("[name=username]").fill(email)
    page.locator("[name=password]").fill(password)
    page.locator("main form button").click()
    page.wait_for_selector(".class-list")
