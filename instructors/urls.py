"""The pages people read. Programs have their own addresses under /api/."""

from django.urls import include, path, re_path
from django.views.generic import RedirectView

from instructors.pages import activity, classes, display, environments, invitations, live, login, maps, students, teams
from instructors.pages.setup import urls as setup

# What is done to the map of a room; the pages name these by the address of the room.
MAP = [
    path("upload/", maps.upload),
    path("plain/", maps.plain),
    path("delete/", maps.delete),
    path("place/", maps.place),
    path("take-off/", maps.take_off),
    path("arrange/", maps.arrange),
]

urlpatterns = [
    path("", classes.root, name="classes"),
    path("login/", login.Login.as_view(), name="login"),
    path("logout/", login.Logout.as_view(), name="logout"),
    path("display/", display.switch, name="display"),
    path("classes/<int:class_id>/", live.class_live, name="class_live"),
    path("classes/<int:class_id>/cards/", live.cards, name="class_cards"),
    path("classes/<int:class_id>/students/<int:student_id>/", students.student, name="class_student"),
    path("classes/<int:class_id>/students/<int:student_id>/notes/", students.add_note, name="class_note_add"),
    path(
        "classes/<int:class_id>/students/<int:student_id>/notes/<int:note_id>/", students.change_note, name="class_note"
    ),
    path(
        "classes/<int:class_id>/students/<int:student_id>/notes/<int:note_id>/delete/",
        students.delete_note,
        name="class_note_delete",
    ),
    path("everybody/students/<int:student_id>/notes/", students.add_note, name="everybody_note_add"),
    path("everybody/students/<int:student_id>/notes/<int:note_id>/", students.change_note, name="everybody_note"),
    path(
        "everybody/students/<int:student_id>/notes/<int:note_id>/delete/",
        students.delete_note,
        name="everybody_note_delete",
    ),
    path("", include(setup.urlpatterns)),
    path("invitations/<str:token>/", invitations.invitation, name="invitation"),
    path("classes/<int:class_id>/room/", teams.room, name="class_room"),
    path("classes/<int:class_id>/room/map/", include(MAP)),
    path("classes/<int:class_id>/activity/", activity.activity, name="class_activity"),
    path("classes/<int:class_id>/environments/", environments.environments, name="class_environments"),
    path("everybody/", live.class_live, name="everybody"),
    path("everybody/cards/", live.cards, name="everybody_cards"),
    path("everybody/students/<int:student_id>/", students.student, name="everybody_student"),
    path("everybody/room/", teams.room, name="everybody_room"),
    path("everybody/room/map/", include(MAP)),
    path("everybody/activity/", activity.activity, name="everybody_activity"),
    # An address typed without its last slash.
    re_path(
        r"^(?P<page>login|everybody|(?:classes/\d+|everybody)(?:/students/\d+|/room|/activity)?)$",
        RedirectView.as_view(url="/%(page)s/", query_string=True),
    ),
]
