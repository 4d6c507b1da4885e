"""Every address of the product, one include a floor."""

from django.contrib import admin
from django.urls import include, path, re_path

from config.metrics import metrics
from instructors.api.classroom import PictureView
from instructors.api.health import health
from instructors.pages.login import Logout, admin_login

admin.autodiscover()

urlpatterns = [
    # Both forms of every API path work: /api/v1/X and /api/v1/v1/X (docs/contract/http.md section 1.1).
    re_path(r"^api/v1/(?:v1/)?", include("events.urls")),
    re_path(r"^api/v1/(?:v1/)?", include("lms.urls")),
    re_path(r"^api/v1/(?:v1/)?", include("instructors.api.school")),
    re_path(r"^api/v1/(?:v1/)?", include("instructors.api.classroom")),
    re_path(r"^api/v1/(?:v1/)?", include("instructors.api.urls")),
    re_path(r"^health/?$", health),
    path("metrics", metrics),
    # Pictures of classrooms, where clients in the field look for them. WhiteNoise passes on what is no file of its own.
    path("static/maps/<str:filename>", PictureView.as_view()),
    path("admin/rq/", include("django_rq.urls")),
    path("admin/login/", admin_login),
    path("admin/logout/", Logout.as_view()),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("instructors.urls")),
]

handler400 = "instructors.pages.problems.bad_request"
handler500 = "config.errors.failed"
