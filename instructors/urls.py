"""The pages people read. Programs have their own addresses under /api/."""

from django.urls import URLPattern, include, path, re_path
from django.views.generic import RedirectView

from instructors.pages import (
    activity,
    assignments,
    attention,
    cells,
    classes,
    clusters,
    display,
    environments,
    invitations,
    lesson,
    live,
    login,
    maps,
    notebooks,
    reports,
    students,
    submissions,
    teams,
    versions,
)
from instructors.pages.rooms import View
from instructors.pages.setup import urls as setup

# Pages of a room: each exists for a class (`class_…`) and for everybody (`everybody_…`).
ROOM: tuple[tuple[str, View, str], ...] = (
    ("cards/", live.cards, "cards"),
    ("attention/", attention.attention, "attention"),
    ("attention/<int:student_id>/", attention.act, "attention_act"),
    ("students/<int:student_id>/", students.student, "student"),
    ("students/<int:student_id>/notes/", students.add_note, "note_add"),
    ("students/<int:student_id>/notes/<int:note_id>/", students.change_note, "note"),
    ("students/<int:student_id>/notes/<int:note_id>/delete/", students.delete_note, "note_delete"),
    ("cells/", cells.cells, "cells"),
    ("cells/states/", cells.states, "cell_states"),
    ("cells/details/", cells.details, "cell_details"),
    ("cells/errors/", clusters.clusters, "clusters"),
    ("cells/errors/<int:cell_id>/<slug:digest>/", clusters.cluster, "cluster"),
    ("cells/errors/<int:cell_id>/<slug:digest>/hint/", clusters.hint, "hint"),
    ("room/", teams.room, "room"),
    # What is done to the map; the page names these by the address of the room.
    ("room/map/upload/", maps.upload, "map_upload"),
    ("room/map/plain/", maps.plain, "map_plain"),
    ("room/map/delete/", maps.delete, "map_delete"),
    ("room/map/place/", maps.place, "map_place"),
    ("room/map/take-off/", maps.take_off, "map_take_off"),
    ("room/map/arrange/", maps.arrange, "map_arrange"),
    ("activity/", activity.activity, "activity"),
)

# Pages that only a class has.
CLASS: tuple[tuple[str, View, str], ...] = (
    ("assignments/", assignments.assignments, "class_assignments"),
    ("assignments/new/", assignments.edit, "assignment_new"),
    ("assignments/<int:assignment_id>/", assignments.assignment, "assignment"),
    ("assignments/<int:assignment_id>/edit/", assignments.edit, "assignment_edit"),
    ("assignments/<int:assignment_id>/next/", assignments.next_to_grade, "assignment_next"),
    ("assignments/<int:assignment_id>/grades.csv", assignments.grades, "assignment_grades"),
    ("submissions/<int:submission_id>/", submissions.submission, "submission"),
    ("submissions/<int:submission_id>/notebook/", notebooks.frame, "submission_notebook"),
    ("submissions/<int:submission_id>/notebook.ipynb", notebooks.download, "submission_download"),
    ("notebooks/", versions.notebooks, "class_notebooks"),
    ("notebooks/<int:notebook_id>/", versions.notebook, "notebook"),
    ("notebooks/<int:notebook_id>/compare/", versions.compare, "notebook_compare"),
    ("notebooks/<int:notebook_id>/<slug:ref>/", versions.version, "notebook_version"),
    ("notebooks/<int:notebook_id>/<slug:ref>/notebook/", versions.frame, "notebook_version_frame"),
    ("environments/", environments.environments, "class_environments"),
    ("report/", lesson.report, "class_report"),
    ("report/<slug:name>.csv", lesson.table, "lesson_table"),
)


def of_rooms() -> list[URLPattern]:
    rooms = (("classes/<int:class_id>/", "class"), ("everybody/", "everybody"))
    return [path(f"{room}{page}", view, name=f"{kind}_{name}") for room, kind in rooms for page, view, name in ROOM]


urlpatterns = [
    path("", classes.root, name="classes"),
    path("login/", login.Login.as_view(), name="login"),
    path("logout/", login.Logout.as_view(), name="logout"),
    path("display/", display.switch, name="display"),
    path("reports/<str:report_id>/", reports.analytics_report, name="analytics_report"),
    path("invitations/<str:token>/", invitations.invitation, name="invitation"),
    path("classes/<int:class_id>/", live.class_live, name="class_live"),
    path("everybody/", live.class_live, name="everybody"),
    *of_rooms(),
    *(path(f"classes/<int:class_id>/{page}", view, name=name) for page, view, name in CLASS),
    path("", include(setup.urlpatterns)),
    # An address typed without its last slash.
    re_path(
        r"^(?P<page>login|everybody|(?:classes/\d+|everybody)(?:/students/\d+|/cells|/room|/activity)?|classes/\d+/report)$",
        RedirectView.as_view(url="/%(page)s/", query_string=True),
    ),
]
