"""Libraries that others use only if they are installed, and that a web process or a worker does not need for them.

They are installed for the drawing and comparing of notebooks. Django REST framework (requests, Pygments), Django's
forms (Jinja) and rq (greenlet) load them at the start all the same: 9 MiB of a web process, 3 of a worker.
"""

import sys

NAMES = ("requests", "jinja2", "pygments", "greenlet")


def hide() -> None:
    """Let `import` of these libraries fail, as if they were not installed. Those that are loaded are left alone."""
    for name in NAMES:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # the documented way to make an import fail


def show() -> None:
    """Let the next `import` load them as ever. Call when all modules of the process are loaded."""
    for name in NAMES:
        if name in sys.modules and sys.modules[name] is None:
            del sys.modules[name]
