"""The URLs of the instructors' API. Each accepts an optional trailing slash (http.md section 1.1)."""

from django.urls import re_path

from classroom.analytics import api as analytics_api
from classroom.dashboard import views as dashboard_views
from classroom.inbox import me
from classroom.inbox import views as inbox_views
from classroom.privacy import api as privacy_api
from classroom.progress import views as progress_views
from classroom.questions import api as questions_api
from classroom.system import health_views, test_event_views
from classroom.system import views as system_views
from instructors.api import auth, instructor_status, instructors

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
    re_path(r"^instructor/ws/instructor/status/?$", dashboard_views.InstructorSocketsView.as_view()),
    re_path(r"^dashboard/overview/?$", dashboard_views.OverviewView.as_view()),
    re_path(r"^dashboard/metrics/?$", dashboard_views.MetricsView.as_view()),
    re_path(r"^dashboard/ws/dashboard/status/?$", dashboard_views.DashboardSocketsView.as_view()),
    # A student's identity is any text and may contain slashes.
    re_path(r"^dashboard/students/(?P<email>.+)/activity/?$", dashboard_views.ActivityView.as_view()),
    re_path(r"^dashboard/students/(?P<email>.+)/dismiss-help/?$", dashboard_views.DismissHelpView.as_view()),
    re_path(r"^dashboard/students/(?P<email>.+)/resolve-error/?$", dashboard_views.ResolveErrorView.as_view()),
    re_path(r"^admin/metrics/?$", system_views.MetricsView.as_view()),
    re_path(r"^admin/performance/?$", system_views.PerformanceView.as_view()),
    re_path(r"^admin/system-status/?$", system_views.SystemStatusView.as_view()),
    re_path(r"^admin/worker-status/?$", system_views.WorkerStatusView.as_view()),
    re_path(r"^admin/settings/?$", system_views.SettingsView.as_view()),
    re_path(r"^admin/settings/(?P<setting_key>[^/]+)/?$", system_views.SettingView.as_view()),
    re_path(r"^admin/consecutive-error-status/?$", system_views.ErrorDetectionView.as_view()),
    re_path(r"^admin/audit-log/?$", system_views.AuditLogView.as_view()),
    re_path(r"^health/?$", health_views.health),
    re_path(r"^health/simple/?$", health_views.simple),
    re_path(r"^health/ready/?$", health_views.ready),
    re_path(r"^health/live/?$", health_views.live),
    re_path(r"^test/events/?$", test_event_views.TestIdsView.as_view()),
    re_path(r"^test/events/(?P<test_id>[^/]+)/?$", test_event_views.TestEventsView.as_view()),
    re_path(r"^progress/student/(?P<user_id>.+?)/?$", progress_views.SummaryView.as_view()),
    re_path(
        r"^progress/assignment/(?P<user_id>.+)/(?P<assignment_id>[^/]+)/?$", progress_views.AssignmentView.as_view()
    ),
    re_path(r"^progress/all-students/?$", progress_views.AllStudentsView.as_view()),
    re_path(r"^progress/stats/?$", progress_views.StatsView.as_view()),
    re_path(r"^progress/notifications/(?P<notification_id>[^/]+)/read/?$", progress_views.ReadView.as_view()),
    re_path(r"^progress/notifications/(?P<user_id>.+?)/?$", progress_views.NotificationsView.as_view()),
    re_path(r"^progress/process-event/?$", progress_views.ProcessEventView.as_view()),
    re_path(r"^me/?$", me.MeView.as_view()),
    re_path(r"^me/page/?$", privacy_api.PageView.as_view()),
    re_path(r"^me/inbox/?$", inbox_views.InboxView.as_view()),
    re_path(r"^me/question/?$", questions_api.QuestionView.as_view()),
    re_path(r"^analytics/progress/?$", analytics_api.ProgressView.as_view()),
    re_path(r"^analytics/teams/?$", analytics_api.TeamsView.as_view()),
    re_path(r"^analytics/predictions/?$", analytics_api.PredictionsView.as_view()),
    re_path(r"^analytics/reports/?$", analytics_api.ReportsView.as_view()),
    re_path(r"^analytics/reports/(?P<report_id>[^/]+)/?$", analytics_api.ReportView.as_view()),
    re_path(r"^analytics/reports/(?P<report_id>[^/]+)/download/?$", analytics_api.DownloadView.as_view()),
]
