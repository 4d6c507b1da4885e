"""The pages people read. Programs have their own addresses under /api/."""

from django.urls import path, re_path
from django.views.generic import RedirectView

from instructors.pages import attention, classes, display, live, login, students

urlpatterns = [
    path("", classes.root, name="classes"),
    path("login/", login.Login.as_view(), name="login"),
    path("logout/", login.Logout.as_view(), name="logout"),
    path("display/", display.switch, name="display"),
    path("classes/<int:class_id>/", live.class_live, name="class_live"),
    path("classes/<int:class_id>/cards/", live.cards, name="class_cards"),
    path("classes/<int:class_id>/attention/", attention.attention, name="class_attention"),
    path("classes/<int:class_id>/attention/<int:student_id>/", attention.act, name="class_attention_act"),
    path("classes/<int:class_id>/students/<int:student_id>/", students.student, name="class_student"),
    path("everybody/", live.class_live, name="everybody"),
    path("everybody/cards/", live.cards, name="everybody_cards"),
    path("everybody/attention/", attention.attention, name="everybody_attention"),
    path("everybody/attention/<int:student_id>/", attention.act, name="everybody_attention_act"),
    path("everybody/students/<int:student_id>/", students.student, name="everybody_student"),
    # An address typed without its last slash.
    re_path(
        r"^(?P<page>login|everybody|(?:classes/\d+|everybody)(?:/students/\d+)?)$",
        RedirectView.as_view(url="/%(page)s/", query_string=True),
    ),
]
