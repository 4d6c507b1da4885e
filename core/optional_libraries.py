"""Libraries that others load at the start, and that a web process or a worker does not need for them.

Some are used only if they are installed, and are hidden until all is loaded: 16 MiB of a web process, 9 of a worker.
requests, Jinja, Pygments and greenlet are here for the drawing of notebooks; REST framework, Django's forms and rq load
them all the same. cryptography is here for daphne; channels_redis would encrypt messages with it and PyJWT check
signatures that no token of ours has (`ALGORITHM`). YAML is for the page that shows the OpenAPI document.

Tools for tests are imported by two libraries for one name each, and with them unittest and Django's test client: 2 MiB.
A stand-in has the name meanwhile.
"""

import sys
from types import ModuleType
from typing import Any

from django.core import signals

# Not `cryptography` itself, which redis-py imports before, and which is small.
NAMES = ("requests", "jinja2", "pygments", "greenlet", "cryptography.hazmat", "yaml")


def _request_factory(*args: Any, **options: Any) -> Any:
    """Return a request factory. drf-spectacular makes one when it writes the OpenAPI document."""
    from rest_framework.test import APIRequestFactory

    return APIRequestFactory(*args, **options)


def _stand_ins() -> dict[str, ModuleType]:
    test = ModuleType("rest_framework.test")
    test.APIRequestFactory = _request_factory  # type: ignore[attr-defined]
    return {"rest_framework.test": test, "django.test.signals": signals}  # which has the signal that simplejwt wants


STAND_INS = _stand_ins()


def hide() -> None:
    """Let `import` of these libraries fail, as if they were not installed, and find the stand-ins. Those that are
    loaded are left alone."""
    for name in NAMES:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # the documented way to make an import fail
    for name, module in STAND_INS.items():
        sys.modules.setdefault(name, module)


def show() -> None:
    """Let the next `import` load them as ever. Call when all modules of the process are loaded."""
    for name in NAMES:
        if name in sys.modules and sys.modules[name] is None:
            del sys.modules[name]
    for name, module in STAND_INS.items():
        if sys.modules.get(name) is module:
            del sys.modules[name]
