"""The addresses of the instructors' API. Every one answers with and without its last slash (http.md section 1.1)."""

from django.urls import re_path

from instructors.api import auth, dashboard, health, instructor_status, instructors, offline, progress, test_events

urlpatterns = [
    re_path(r"^auth/login/?$", auth.LoginView.as_view()),
    re_path(r"^auth/logout/?$", auth.LogoutView.as_view()),
    re_path(r"^auth/me/?$", auth.MeView.as_view()),
    re_path(r"^auth/password/?$", auth.PasswordView.as_view()),
    re_path(r"^instructors/?$", instructors.InstructorListView.as_view()),
    re_path(r"^instructors/(?P<instructor_id>[^/]+)/?$", instructors.InstructorView.as_view()),
    re_path(r"^instructor_status/bulk/?$", instructor_status.BulkView.as_view()),
    re_path(r"^instructor_status/(?P<instructor_id>[^/]+)/?$", instructor_status.StatusView.as_view()),
    re_path(r"^instructor_status/(?P<instructor_id>[^/]+)/history/?$", instructor_status.HistoryView.as_view()),
    re_path(r"^instructor/ws/instructor/status/?$", dashboard.InstructorSocketsView.as_view()),
    re_path(r"^dashboard/overview/?$", dashboard.OverviewView.as_view()),
    re_path(r"^dashboard/metrics/?$", dashboard.MetricsView.as_view()),
    re_path(r"^dashboard/ws/dashboard/status/?$", dashboard.DashboardSocketsView.as_view()),
    # A student's identity is any text: it may hold slashes.
    re_path(r"^dashboard/students/(?P<email>.+)/activity/?$", dashboard.ActivityView.as_view()),
    re_path(r"^dashboard/students/(?P<email>.+)/dismiss-help/?$", dashboard.DismissHelpView.as_view()),
    re_path(r"^dashboard/students/(?P<email>.+)/resolve-error/?$", dashboard.ResolveErrorView.as_view()),
    re_path(r"^health/?$", health.health),
    re_path(r"^health/simple/?$", health.simple),
    re_path(r"^health/ready/?$", health.ready),
    re_path(r"^health/live/?$", health.live),
    re_path(r"^test/events/?$", test_events.TestIdsView.as_view()),
    re_path(r"^test/events/(?P<test_id>[^/]+)/?$", test_events.TestEventsView.as_view()),
    re_path(r"^offline/sync/?$", offline.AuditedSyncView.as_view()),
    re_path(r"^offline/clear/?$", offline.AuditedClearView.as_view()),
    re_path(r"^progress/student/(?P<user_id>.+?)/?$", progress.SummaryView.as_view()),
    re_path(r"^progress/assignment/(?P<user_id>.+)/(?P<assignment_id>[^/]+)/?$", progress.AssignmentView.as_view()),
    re_path(r"^progress/all-students/?$", progress.AllStudentsView.as_view()),
    re_path(r"^progress/stats/?$", progress.StatsView.as_view()),
    re_path(r"^progress/notifications/(?P<notification_id>[^/]+)/read/?$", progress.ReadView.as_view()),
    re_path(r"^progress/notifications/(?P<user_id>.+?)/?$", progress.NotificationsView.as_view()),
    re_path(r"^progress/process-event/?$", progress.ProcessEventView.as_view()),
]
