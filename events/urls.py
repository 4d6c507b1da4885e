"""The intakes below /api/v1 that Django serves; the hot one is beside it, in config/asgi.py."""

from django.urls import re_path

from events import views

urlpatterns = [
    re_path(r"^events/health/?$", views.health),
    re_path(r"^progress/student-progress/?$", views.student_progress),
    re_path(r"^(?:progress/)?cell-monitor/?$", views.cell_monitor),
]
