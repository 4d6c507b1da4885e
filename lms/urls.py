"""The addresses of what the school owns, below /api/v1.

Classes, assignments, submissions, and what is kept of environments and of notebooks are missing here: writing them is
noted and told, which takes a floor above. Their views are in lms/api, their addresses in lms/api/audited_views.py.
"""

from django.urls import re_path

from lms.api.environment_views import DiffView
from lms.api.environments import CurrentView, HealthView, PackagesView, SummaryView
from lms.api.me import MeView
from lms.api.notebooks import NotebooksView
from lms.api.schema_views import DocumentView, PageView
from lms.api.students import StudentsView, StudentView
from lms.api.version_branches import BranchesView, BranchView
from lms.api.version_comparisons import ComparisonView, PathComparisonView
from lms.api.version_views import (
    HistoryView,
    LatestView,
    PathHistoryView,
    PathLatestView,
    SnapshotView,
    StatsView,
    VersionView,
)

urlpatterns = [
    re_path(r"^students/?$", StudentsView.as_view()),
    re_path(r"^students/(?P<student_id>[^/]+)/?$", StudentView.as_view()),
    re_path(r"^notebooks/?$", NotebooksView.as_view()),
    re_path(r"^me/?$", MeView.as_view()),
    re_path(r"^environment/current/?$", CurrentView.as_view()),
    re_path(r"^environment/summary/?$", SummaryView.as_view()),
    re_path(r"^environment/packages/?$", PackagesView.as_view()),
    re_path(r"^environment/health/?$", HealthView.as_view()),
    re_path(r"^environment/diff/?$", DiffView.as_view()),
    # A notebook's path may hold slashes.
    re_path(r"^notebook-version/history/?$", HistoryView.as_view()),
    re_path(r"^notebook-version/history/(?P<notebook_path>.+?)/?$", PathHistoryView.as_view()),
    re_path(r"^notebook-version/latest/?$", LatestView.as_view()),
    re_path(r"^notebook-version/latest/(?P<notebook_path>.+?)/?$", PathLatestView.as_view()),
    re_path(r"^notebook-version/version/(?P<version_id>[^/]+)/?$", VersionView.as_view()),
    re_path(r"^notebook-version/branches/?$", BranchesView.as_view()),
    re_path(r"^notebook-version/branch/(?P<branch_id>[^/]+)/?$", BranchView.as_view()),
    re_path(r"^notebook-version/compare/?$", ComparisonView.as_view()),
    re_path(r"^notebook-version/compare/(?P<from_id>[^/]+)/(?P<to_id>[^/]+)/?$", PathComparisonView.as_view()),
    re_path(r"^notebook-version/snapshot/(?P<snapshot_id>[^/]+)/?$", SnapshotView.as_view()),
    re_path(r"^notebook-version/stats/?$", StatsView.as_view()),
    re_path(r"^openapi\.json/?$", DocumentView.as_view()),
    re_path(r"^docs/?$", PageView.as_view()),
]
