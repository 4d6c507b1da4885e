"""The root URLconf."""

from django.contrib import admin
from django.urls import include, path, re_path

from classroom.system.health_views import health
from instructors.admin_audit import audit_site
from instructors.views import Logout, admin_login
from lms.api.maps import ImageView
from operations.metrics import metrics

admin.autodiscover()
audit_site(admin.site)

urlpatterns = [
    # Both forms of every API path work: /api/v1/X and /api/v1/v1/X (docs/contract/http.md section 1.1).
    re_path(r"^api/v1/(?:v1/)?", include("events.urls")),
    re_path(r"^api/v1/(?:v1/)?", include("lms.urls")),
    re_path(r"^api/v1/(?:v1/)?", include("classroom.api_urls")),
    re_path(r"^health/?$", health),
    path("metrics", metrics),
    # Images of seating maps, under the path that existing clients use. WhiteNoise passes on paths of no static file.
    path("static/maps/<str:filename>", ImageView.as_view()),
    path("admin/rq/", include("django_rq.urls")),
    path("admin/login/", admin_login),
    path("admin/logout/", Logout.as_view()),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("classroom.urls")),
]

handler400 = "classroom.base.views.bad_request"
handler500 = "config.errors.uncaught_error"
