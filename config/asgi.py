"""One application for any ASGI server: the event intake, the sockets, and Django for everything else."""

import os
import warnings
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# WhiteNoise hands files over as synchronous iterators, which Django reads in a thread: a warning for each file.
warnings.filterwarnings("ignore", "StreamingHttpResponse must consume synchronous iterators")
django_application = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402  (needs Django's applications)
from django.urls import get_resolver  # noqa: E402

from classroom.sockets import background_tasks  # noqa: E402
from classroom.sockets.routing import websocket_urls  # noqa: E402
from config.body_limits import BodyLimitApplication  # noqa: E402
from config.cors import CorsApplication  # noqa: E402
from config.path_normalization import PathNormalization  # noqa: E402
from config.request_log import RequestLogApplication  # noqa: E402
from events.intake.app import Intake  # noqa: E402
from operations.local import gc_tuning  # noqa: E402

INTAKE_PATHS = {"/api/v1/events", "/api/v1/events/", "/api/v1/v1/events", "/api/v1/v1/events/"}

intake = Intake()
bounded = BodyLimitApplication(cast("Any", django_application))
sockets = AuthMiddlewareStack(websocket_urls)


async def route(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[Any], Awaitable[None]],
) -> None:
    if scope["type"] == "lifespan":
        await answer_lifespan(receive, send)
    elif scope["type"] == "websocket":
        await sockets(scope, receive, send)
    elif scope["path"] in INTAKE_PATHS:
        await intake(scope, receive, send)
    else:
        await bounded(dict(scope), receive, send)


async def answer_lifespan(receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    """Nothing to prepare: every connection is made when it is first needed, and again when it is lost. The sockets'
    caretaker starts with the first of them, because daphne speaks no lifespan."""
    while (message := await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await background_tasks.stop()
    await intake.close()
    await send({"type": f"{message['type']}.complete"})


application = PathNormalization(RequestLogApplication(CorsApplication(route), intake=INTAKE_PATHS))
_ = get_resolver().url_patterns  # loads all pages now; the first request would
gc_tuning.freeze_loaded_objects()
