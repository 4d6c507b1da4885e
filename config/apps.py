"""The names under which the Django admin lists the apps that are not ours."""

from axes.apps import AppConfig as AxesConfig
from django.utils.translation import gettext_noop, pgettext_lazy
from django_rq.apps import DjangoRqAdminConfig


class FailedLoginsConfig(AxesConfig):  # type: ignore[misc]
    verbose_name = pgettext_lazy("administration", "Failed logins")


class BackgroundJobsConfig(DjangoRqAdminConfig):
    verbose_name = pgettext_lazy("administration", "Background jobs")


# The words of django-axes, which brings no Japanese, for `makemessages`.
AXES_WORDS = (
    gettext_noop("access attempt"),
    gettext_noop("access attempts"),
    gettext_noop("Attempt Time"),
    gettext_noop("Failed Logins"),
    gettext_noop("IP Address"),
    gettext_noop("Username"),
)
