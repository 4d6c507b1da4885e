"""The pages people read. Programs have their own addresses under /api/."""

from django.urls import path, re_path
from django.views.generic import RedirectView

from instructors import views

urlpatterns = [
    path("", views.root, name="classes"),
    path("login/", views.Login.as_view(), name="login"),
    path("logout/", views.Logout.as_view(), name="logout"),
    path("classes/<int:class_id>/", views.class_live, name="class_live"),
    path("classes/<int:class_id>/cards/", views.cards, name="class_cards"),
    path("classes/<int:class_id>/students/<int:student_id>/", views.student, name="class_student"),
    path("everybody/", views.class_live, name="everybody"),
    path("everybody/cards/", views.cards, name="everybody_cards"),
    path("everybody/students/<int:student_id>/", views.student, name="everybody_student"),
    # An address typed without its last slash.
    re_path(
        r"^(?P<page>login|everybody|(?:classes/\d+|everybody)(?:/students/\d+)?)$",
        RedirectView.as_view(url="/%(page)s/", query_string=True),
    ),
]
