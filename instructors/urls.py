"""The pages people read. Programs have their own addresses under /api/."""

from django.urls import path, re_path
from django.views.generic import RedirectView

from instructors.pages import cells, classes, clusters, display, live, login, students

urlpatterns = [
    path("", classes.root, name="classes"),
    path("login/", login.Login.as_view(), name="login"),
    path("logout/", login.Logout.as_view(), name="logout"),
    path("display/", display.switch, name="display"),
    path("classes/<int:class_id>/", live.class_live, name="class_live"),
    path("classes/<int:class_id>/cards/", live.cards, name="class_cards"),
    path("classes/<int:class_id>/students/<int:student_id>/", students.student, name="class_student"),
    path("everybody/", live.class_live, name="everybody"),
    path("everybody/cards/", live.cards, name="everybody_cards"),
    path("everybody/students/<int:student_id>/", students.student, name="everybody_student"),
    *[
        address
        for room, name in (("classes/<int:class_id>/", "class"), ("everybody/", "everybody"))
        for address in (
            path(f"{room}cells/", cells.cells, name=f"{name}_cells"),
            path(f"{room}cells/states/", cells.states, name=f"{name}_cell_states"),
            path(f"{room}cells/details/", cells.details, name=f"{name}_cell_details"),
            path(f"{room}cells/errors/", clusters.clusters, name=f"{name}_clusters"),
            path(f"{room}cells/errors/<int:cell_id>/<slug:digest>/", clusters.cluster, name=f"{name}_cluster"),
            path(f"{room}cells/errors/<int:cell_id>/<slug:digest>/hint/", clusters.hint, name=f"{name}_hint"),
        )
    ],
    # An address typed without its last slash.
    re_path(
        r"^(?P<page>login|everybody|(?:classes/\d+|everybody)(?:/students/\d+|/cells)?)$",
        RedirectView.as_view(url="/%(page)s/", query_string=True),
    ),
]
