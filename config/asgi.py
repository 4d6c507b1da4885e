"""The ASGI application: the event intake, the WebSockets, and Django for everything else."""

import asyncio
import os
import sys
import warnings
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, cast

from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured

from core import optional_libraries

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# WhiteNoise streams files from synchronous iterators; Django reads them in a thread and warns for each file.
warnings.filterwarnings("ignore", "StreamingHttpResponse must consume synchronous iterators")
optional_libraries.hide()  # until all is loaded
try:
    django_application = get_asgi_application()
except ImproperlyConfigured as error:  # the servers would write a traceback
    sys.exit(str(error))

import rest_framework_simplejwt.backends  # noqa: E402, F401  (the first token would load it)
from channels.auth import AuthMiddlewareStack  # noqa: E402  (needs the app registry)
from django.urls import get_resolver  # noqa: E402
from redis.exceptions import RedisError  # noqa: E402

from classroom.sockets import background_tasks, long_poll  # noqa: E402
from classroom.sockets.routing import websocket_urls  # noqa: E402
from config.body_limits import BodyLimitApplication  # noqa: E402
from config.cors import CorsApplication  # noqa: E402
from config.path_normalization import PathNormalization  # noqa: E402
from config.request_log import RequestLogApplication  # noqa: E402
from events.intake.app import Intake  # noqa: E402
from events.queue import moved_streams, stream  # noqa: E402
from operations.local import gc_tuning  # noqa: E402
from realtime import broadcast  # noqa: E402

INTAKE_PATHS = {"/api/v1/events", "/api/v1/events/", "/api/v1/v1/events", "/api/v1/v1/events/"}

intake = Intake()
limited = BodyLimitApplication(cast("Any", django_application))
inbox = long_poll.LongPoll(limited)
sockets = AuthMiddlewareStack(websocket_urls)


async def route(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[Any], Awaitable[None]],
) -> None:
    if scope["type"] == "lifespan":
        await handle_lifespan(receive, send)
    elif scope["type"] == "websocket":
        await sockets(scope, receive, send)
    elif scope["path"] in INTAKE_PATHS:
        await intake(scope, receive, send)
    elif long_poll.PATH.fullmatch(scope["path"]):
        await inbox(dict(scope), receive, send)
    else:
        await limited(dict(scope), receive, send)


def take_over_streams() -> None:
    with stream.connect() as redis:
        moved_streams.take_over(redis)


async def handle_lifespan(receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    """Take over the streams of an older release at startup. Stop the background tasks and the intake at shutdown.

    Nothing else happens at startup: connections are made on first use, and the background tasks start with the first
    WebSocket, because daphne does not support the lifespan protocol.
    """
    while (message := await receive())["type"] == "lifespan.startup":
        with suppress(RedisError, OSError):  # workers try again
            await asyncio.to_thread(take_over_streams)
        await send({"type": "lifespan.startup.complete"})
    await background_tasks.stop()
    await intake.close()
    await send({"type": f"{message['type']}.complete"})


application = PathNormalization(RequestLogApplication(CorsApplication(route), intake=INTAKE_PATHS))
_ = get_resolver().url_patterns  # import all views now instead of in the first request
broadcast.load()
optional_libraries.show()
gc_tuning.freeze_loaded_objects(threshold=gc_tuning.WEB_THRESHOLD)
