"""Which socket path is whose. Every path answers with and without its slash."""

from channels.routing import URLRouter
from django.urls import re_path

from realtime.consumers import DashboardConsumer
from realtime.refusal import refuse

websocket_urls = URLRouter(
    [
        re_path(r"^ws(?:/dashboard)?/?$", DashboardConsumer.as_asgi()),
        re_path(r"^api/v1/(?:v1/)?dashboard/ws/dashboard/?$", DashboardConsumer.as_asgi()),
        re_path(r"", refuse),  # type: ignore[arg-type]  # an ASGI application, as the others are
    ]
)
