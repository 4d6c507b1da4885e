"""The pages people read. Programs have their own addresses under /api/."""

from django.urls import path, re_path
from django.views.generic import RedirectView

from instructors.pages import assignments, classes, display, live, login, notebooks, students, submissions

urlpatterns = [
    path("", classes.root, name="classes"),
    path("login/", login.Login.as_view(), name="login"),
    path("logout/", login.Logout.as_view(), name="logout"),
    path("display/", display.switch, name="display"),
    path("classes/<int:class_id>/", live.class_live, name="class_live"),
    path("classes/<int:class_id>/cards/", live.cards, name="class_cards"),
    path("classes/<int:class_id>/students/<int:student_id>/", students.student, name="class_student"),
    path("classes/<int:class_id>/assignments/", assignments.assignments, name="class_assignments"),
    path("classes/<int:class_id>/assignments/new/", assignments.edit, name="assignment_new"),
    path("classes/<int:class_id>/assignments/<int:assignment_id>/", assignments.assignment, name="assignment"),
    path("classes/<int:class_id>/assignments/<int:assignment_id>/edit/", assignments.edit, name="assignment_edit"),
    path(
        "classes/<int:class_id>/assignments/<int:assignment_id>/next/",
        assignments.next_to_grade,
        name="assignment_next",
    ),
    path(
        "classes/<int:class_id>/assignments/<int:assignment_id>/grades.csv",
        assignments.grades,
        name="assignment_grades",
    ),
    path("classes/<int:class_id>/submissions/<int:submission_id>/", submissions.submission, name="submission"),
    path(
        "classes/<int:class_id>/submissions/<int:submission_id>/notebook/",
        notebooks.frame,
        name="submission_notebook",
    ),
    path(
        "classes/<int:class_id>/submissions/<int:submission_id>/notebook.ipynb",
        notebooks.download,
        name="submission_download",
    ),
    path("everybody/", live.class_live, name="everybody"),
    path("everybody/cards/", live.cards, name="everybody_cards"),
    path("everybody/students/<int:student_id>/", students.student, name="everybody_student"),
    # An address typed without its last slash.
    re_path(
        r"^(?P<page>login|everybody|(?:classes/\d+|everybody)(?:/students/\d+)?)$",
        RedirectView.as_view(url="/%(page)s/", query_string=True),
    ),
]
