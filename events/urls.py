"""The intakes below /api/v1 that Django serves; the hot one is beside it, in config/asgi.py."""

from django.urls import re_path

from events import api, views

urlpatterns = [
    re_path(r"^events/health/?$", views.health),
    re_path(r"^progress/student-progress/?$", views.student_progress),
    re_path(r"^(?:progress/)?cell-monitor/?$", views.cell_monitor),
    # Syncing and clearing are told to the audit log, which takes a floor above: instructors/api/offline.py.
    re_path(r"^offline/queue/?$", api.QueueView.as_view()),
    re_path(r"^offline/status/?$", api.StatusView.as_view()),
    re_path(r"^offline/failed-events/?$", api.FailedView.as_view()),
]
