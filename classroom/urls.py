"""URLs of the pages. Those of the API are in `classroom.api_urls`."""

from django.urls import URLPattern, include, path, re_path
from django.views.generic import RedirectView

from classroom.account import urls as account
from classroom.activity import views as activity_views
from classroom.analytics import views as analytics_views
from classroom.assignments import (
    copy_views,
    extension_views,
    gradebook_views,
    nbgrader_views,
    rubric_views,
    submission_views,
)
from classroom.assignments import views as assignments_views
from classroom.attention import views as attention_views
from classroom.base import views as base_views
from classroom.base.decorators import View
from classroom.cells import views as cells_views
from classroom.classes import views as classes_views
from classroom.environments import views as environments_views
from classroom.errors import views as errors_views
from classroom.lesson_report import views as lesson_report_views
from classroom.live import views as live_views
from classroom.notebooks import version_views
from classroom.notebooks import views as notebooks_views
from classroom.privacy import class_views as privacy_class_views
from classroom.privacy import views as privacy_views
from classroom.seating import map_views, people_views, room_views
from classroom.seating import views as seating_views
from classroom.setup import invitation_views
from classroom.setup import urls as setup
from classroom.students import views as students_views
from instructors import views as instructors_views
from instructors.first_account_views import first_account_page

# Pages of a classroom: each exists for a class (`class_…`) and for all students (`everybody_…`).
CLASSROOM: tuple[tuple[str, View, str], ...] = (
    ("cards/", live_views.cards, "cards"),
    ("attention/", attention_views.attention, "attention"),
    ("attention/<int:student_id>/", attention_views.act, "attention_act"),
    ("students/<int:student_id>/", students_views.student, "student"),
    ("students/<int:student_id>/notes/", students_views.add_note, "note_add"),
    ("students/<int:student_id>/notes/<int:note_id>/", students_views.change_note, "note"),
    ("students/<int:student_id>/notes/<int:note_id>/delete/", students_views.delete_note, "note_delete"),
    ("cells/", cells_views.cells, "cells"),
    ("cells/states/", cells_views.states, "cell_states"),
    ("cells/details/", cells_views.details, "cell_details"),
    ("cells/errors/", errors_views.clusters, "clusters"),
    ("cells/errors/<int:cell_id>/<slug:digest>/", errors_views.cluster, "cluster"),
    ("cells/errors/<int:cell_id>/<slug:digest>/hint/", errors_views.hint, "hint"),
    ("room/", seating_views.room, "room"),
    # The map's forms; the page builds these URLs from its own.
    ("room/map/upload/", map_views.upload, "map_upload"),
    ("room/map/plain/", map_views.plain, "map_plain"),
    ("room/map/delete/", map_views.delete, "map_delete"),
    ("room/map/place/", map_views.place, "map_place"),
    ("room/map/take-off/", map_views.take_off, "map_take_off"),
    ("room/map/arrange/", map_views.arrange, "map_arrange"),
    ("activity/", activity_views.activity, "activity"),
)

# Pages of a class only.
CLASS: tuple[tuple[str, View, str], ...] = (
    ("assignments/", assignments_views.assignments, "class_assignments"),
    ("assignments/new/", assignments_views.edit, "assignment_new"),
    ("assignments/gradebook/", gradebook_views.page, "gradebook"),
    ("assignments/gradebook.csv", gradebook_views.table, "gradebook_table"),
    ("assignments/<int:assignment_id>/", assignments_views.assignment, "assignment"),
    ("assignments/<int:assignment_id>/edit/", assignments_views.edit, "assignment_edit"),
    ("assignments/<int:assignment_id>/next/", assignments_views.next_to_grade, "assignment_next"),
    ("assignments/<int:assignment_id>/grades.csv", assignments_views.grades, "assignment_grades"),
    ("assignments/<int:assignment_id>/rubric/", rubric_views.rubric, "assignment_rubric"),
    ("assignments/<int:assignment_id>/comments/", rubric_views.comments, "assignment_comments"),
    ("assignments/<int:assignment_id>/nbgrader/", nbgrader_views.nbgrader, "assignment_nbgrader"),
    ("assignments/<int:assignment_id>/nbgrader/submitted.zip", nbgrader_views.submitted, "assignment_submitted"),
    ("assignments/<int:assignment_id>/copy/", copy_views.copy, "assignment_copy"),
    (
        "assignments/<int:assignment_id>/extensions/<int:student_id>/",
        extension_views.extension,
        "assignment_extension",
    ),
    ("submissions/<int:submission_id>/", submission_views.submission, "submission"),
    ("submissions/<int:submission_id>/notebook/", notebooks_views.frame, "submission_notebook"),
    ("submissions/<int:submission_id>/notebook.ipynb", notebooks_views.download, "submission_download"),
    # Below the tab of the room.
    ("room/rooms/", room_views.rooms, "class_seat_rooms"),
    ("room/rooms/<int:room_id>/", room_views.room, "class_seat_room"),
    ("room/rooms/<int:room_id>/lay-out/", room_views.lay_out, "seat_room_lay_out"),
    ("room/rooms/<int:room_id>/seats/", room_views.seats, "seat_room_seats"),
    ("room/rooms/<int:room_id>/seats/add/", room_views.add_seat, "seat_room_add"),
    ("room/rooms/<int:room_id>/picture/", room_views.picture, "seat_room_picture"),
    ("room/rooms/<int:room_id>/copy/", room_views.copy, "seat_room_copy"),
    ("room/rooms/<int:room_id>/delete/", room_views.delete, "seat_room_delete"),
    ("room/rooms/<int:room_id>/people/", people_views.people, "class_seats"),
    ("room/rooms/<int:room_id>/people/list/", people_views.import_list, "class_seat_list"),
    ("notebooks/", version_views.notebooks, "class_notebooks"),
    ("notebooks/<int:notebook_id>/", version_views.notebook, "notebook"),
    ("notebooks/<int:notebook_id>/compare/", version_views.compare, "notebook_compare"),
    ("notebooks/<int:notebook_id>/<slug:ref>/", version_views.version, "notebook_version"),
    ("notebooks/<int:notebook_id>/<slug:ref>/notebook/", version_views.frame, "notebook_version_frame"),
    ("environments/", environments_views.environments, "class_environments"),
    ("report/", lesson_report_views.report, "class_report"),
    ("report/lessons/", lesson_report_views.compared, "class_lessons"),
    ("report/lessons.csv", lesson_report_views.compared_table, "class_lessons_csv"),
    ("report/<slug:name>.csv", lesson_report_views.table, "lesson_table"),
    ("setup/privacy/", privacy_class_views.class_privacy, "class_privacy"),
    ("setup/privacy/code/", privacy_class_views.make_student_code, "class_own_code"),
    ("setup/privacy/erasures/<int:request_id>/", privacy_class_views.answer_erasure, "class_erasure_answer"),
)


def classroom_patterns() -> list[URLPattern]:
    prefixes = (("classes/<int:class_id>/", "class"), ("everybody/", "everybody"))
    return [
        path(f"{prefix}{page}", view, name=f"{kind}_{name}")
        for prefix, kind in prefixes
        for page, view, name in CLASSROOM
    ]


urlpatterns = [
    path("", classes_views.root, name="classes"),
    path("login/", instructors_views.Login.as_view(), name="login"),
    path("first-account/<str:token>/", first_account_page, name="first_account"),
    path("logout/", instructors_views.Logout.as_view(), name="logout"),
    path("display/", base_views.switch_display, name="display"),
    path("privacy/", privacy_views.privacy, name="privacy"),
    # A student's own page; the cookie of its session is for these addresses alone.
    path("me/", privacy_views.me, name="own_page"),
    path("me/open/", privacy_views.open_page, name="own_page_open"),
    path("me/copy/", privacy_views.take_along, name="own_page_copy"),
    path("me/erasure/", privacy_views.ask_for_erasure, name="own_page_erasure"),
    path("me/erasure/withdraw/", privacy_views.withdraw, name="own_page_withdraw"),
    path("me/leave/", privacy_views.leave, name="own_page_leave"),
    path("reports/<str:report_id>/", analytics_views.analytics_report, name="analytics_report"),
    path("invitations/<str:token>/", invitation_views.invitation, name="invitation"),
    path("classes/<int:class_id>/", live_views.class_live, name="class_live"),
    path("everybody/", live_views.class_live, name="everybody"),
    *classroom_patterns(),
    *(path(f"classes/<int:class_id>/{page}", view, name=name) for page, view, name in CLASS),
    path("", include(setup.urlpatterns)),
    path("", include(account.urlpatterns)),
    # URLs typed without the last slash.
    re_path(
        r"^(?P<page>login|everybody|(?:classes/\d+|everybody)(?:/students/\d+|/cells|/room|/activity)?|classes/\d+/report)$",
        RedirectView.as_view(url="/%(page)s/", query_string=True),
    ),
]
