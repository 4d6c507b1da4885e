"""The addresses of what the school owns, below /api/v1.

Classes, assignments and submissions are missing here: writing them is noted and told, which takes a floor above. Their
views are in lms/api, their addresses in instructors/api/school.py.
"""

from django.urls import re_path

from lms.api.document import DocumentView, PageView
from lms.api.me import MeView
from lms.api.notebooks import NotebooksView
from lms.api.students import StudentsView, StudentView

urlpatterns = [
    re_path(r"^students/?$", StudentsView.as_view()),
    re_path(r"^students/(?P<student_id>[^/]+)/?$", StudentView.as_view()),
    re_path(r"^notebooks/?$", NotebooksView.as_view()),
    re_path(r"^me/?$", MeView.as_view()),
    re_path(r"^openapi\.json/?$", DocumentView.as_view()),
    re_path(r"^docs/?$", PageView.as_view()),
]
