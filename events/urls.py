"""Event endpoints under /api/v1 that Django serves. config/asgi.py routes the main one to `events.intake.app`."""

from django.urls import re_path

from events.intake import legacy_views
from events.offline import views as offline_views

urlpatterns = [
    re_path(r"^events/health/?$", legacy_views.health),
    re_path(r"^progress/student-progress/?$", legacy_views.student_progress),
    re_path(r"^(?:progress/)?cell-monitor/?$", legacy_views.cell_monitor),
    re_path(r"^offline/queue/?$", offline_views.QueueView.as_view()),
    re_path(r"^offline/sync/?$", offline_views.SyncView.as_view()),
    re_path(r"^offline/clear/?$", offline_views.ClearView.as_view()),
    re_path(r"^offline/status/?$", offline_views.StatusView.as_view()),
    re_path(r"^offline/failed-events/?$", offline_views.FailedView.as_view()),
]
