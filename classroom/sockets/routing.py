"""Route socket paths to consumers. Each path accepts an optional trailing slash."""

from channels.routing import URLRouter
from django.urls import re_path

from classroom.sockets.base import refuse
from classroom.sockets.consumers.dashboards import DashboardSocket
from classroom.sockets.consumers.devices import DeviceSocket
from classroom.sockets.consumers.instructors import InstructorSocket
from classroom.sockets.consumers.progress import InstructorProgressSocket, StudentProgressSocket
from classroom.sockets.consumers.students import StudentSocket

PATHS = (
    (r"ws(?:/dashboard)?", DashboardSocket),
    (r"api/v1/(?:v1/)?dashboard/ws/dashboard", DashboardSocket),
    (r"(?:api/v1/)?instructor/ws", InstructorSocket),
    (r"api/v1/(?:instructor/)?ws/instructor/(?P<instructor_id>[^/]+)", InstructorSocket),
    (r"api/v1/(?:v1/)?ws/me", DeviceSocket),
    (r"api/v1/(?:v1/)?(?:websocket/)?ws/(?P<client_id>[^/]+)", StudentSocket),
    (r"api/v1/(?:v1/)?progress/ws/student/(?P<user_id>[^/]+)", StudentProgressSocket),
    (r"api/v1/(?:v1/)?progress/ws/instructor", InstructorProgressSocket),
)


websocket_urls = URLRouter(
    [
        *(re_path(rf"^{path}/?$", consumer.as_asgi()) for path, consumer in PATHS),
        re_path(r"", refuse),  # type: ignore[arg-type]  # an ASGI application like the consumers
    ]
)
