"""Environment snapshots: store, find and compare.

A POST stores a row. A GET caches the collected environment for ten minutes under its id, at most MAX_CACHED a minute,
so that a client can compare with it.
"""

import uuid
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import QuerySet
from redis.exceptions import RedisError

from lms.environments.collection import Environment, collect
from lms.environments.packages import changed_names, difference
from lms.models import EnvironmentSnapshot, Student

SERVER, CLIENT = EnvironmentSnapshot.Source.SERVER, EnvironmentSnapshot.Source.CLIENT
FULL_EVERY = timedelta(hours=1)
CACHE_SECONDS = 600
MAX_CACHED = 20  # a minute

COMPARED = {"python_env": ("python_version", "pip_version", "virtual_env", "conda_env"),
            "system_env": ("os_name", "os_version", "architecture"),
            "jupyter_env": ("jupyterlab_version", "ipython_version")}  # fmt: skip


def current(*, now: datetime) -> Environment:
    """Collect the server's environment and cache it under its id."""
    environment = collect(now=now)
    with suppress(RedisError, OSError, ValueError):  # without the cache, it cannot be compared with later
        # Limited, because each takes some tens of kilobytes of the memory that events need.
        minute = f"environments:{now:%H%M}"
        cache.add(minute, 0, CACHE_SECONDS)
        if cache.incr(minute) <= MAX_CACHED:
            cache.set(f"environment:{environment.snapshot_id}", environment, CACHE_SECONDS)
    return environment


def latest_of_server() -> EnvironmentSnapshot | None:
    return EnvironmentSnapshot.objects.filter(source=SERVER).order_by("-captured_at", "-pk").first()


def is_full_due(latest: EnvironmentSnapshot | None, *, forced: bool, now: datetime) -> bool:
    """Return whether a full snapshot is due: forced, the first, or an hour after the last (models.md section 7)."""
    return forced or latest is None or now - latest.captured_at > FULL_EVERY


def store_server(*, forced: bool, now: datetime, **context: Any) -> EnvironmentSnapshot:
    """Store the server's environment. `context` is the notebook, cell and execution count of the caller. Two
    statements."""
    latest = latest_of_server()
    is_full = is_full_due(latest, forced=forced, now=now)
    environment = collect(now=now, refresh=is_full)
    return _store(environment, source=SERVER, before=latest, is_full_snapshot=is_full, **context)


def store_report(
    environment: Environment, *, student_id: int | None, class_id: int | None, **context: Any
) -> EnvironmentSnapshot:
    """Store a student's report. Changed packages are computed against the student's previous report through the same
    class, because other classes' reports are private to them. Two statements."""
    before = None
    if student_id is not None:
        reports = EnvironmentSnapshot.objects.filter(student=student_id, source=CLIENT, class_ref=class_id)
        before = reports.order_by("-captured_at", "-pk").only("versions").first()
    owner = {"student_id": student_id, "class_ref_id": class_id}
    return _store(environment, source=CLIENT, before=before, is_full_snapshot=True, **owner, **context)


def row_of(environment: Environment) -> EnvironmentSnapshot:
    """Return the row of an environment; store it if it was only cached."""
    row = EnvironmentSnapshot.objects.filter(snapshot_id=environment.snapshot_id).first()
    return row or _store(environment, source=SERVER, before=latest_of_server())


def _store(environment: Environment, *, before: EnvironmentSnapshot | None, **more: Any) -> EnvironmentSnapshot:
    return EnvironmentSnapshot.objects.create(
        snapshot_id=environment.snapshot_id,
        captured_at=environment.captured_at,
        python_env=environment.python_env,
        system_env=environment.system_env,
        jupyter_env=environment.jupyter_env,
        packages=environment.packages,
        versions=environment.versions,
        changed_packages=changed_names(before.versions, environment.versions) if before else [],
        memory_usage_mb=environment.memory_usage_mb,
        cpu_usage_percent=environment.cpu_usage_percent,
        collection_duration_ms=environment.duration_ms,
        reported=environment.reported,
        **more,
    )


# --- Finding --------------------------------------------------------------------------------------------------------


def environment_of(snapshot: EnvironmentSnapshot) -> Environment:
    return Environment(
        captured_at=snapshot.captured_at,
        python_env=snapshot.python_env,
        system_env=snapshot.system_env,
        jupyter_env=snapshot.jupyter_env,
        packages=snapshot.packages,
        memory_usage_mb=snapshot.memory_usage_mb,
        cpu_usage_percent=snapshot.cpu_usage_percent,
        duration_ms=snapshot.collection_duration_ms or 0.0,
        snapshot_id=snapshot.snapshot_id,
        student_id=snapshot.student_id,
    )


def find(seen: QuerySet[EnvironmentSnapshot], snapshot_id: str) -> Environment | None:
    """Return the stored environment with this id among those that may be seen, or a cached one. One query."""
    try:
        wanted = uuid.UUID(snapshot_id)
    except ValueError:
        return None
    if (row := seen.filter(snapshot_id=wanted).first()) is not None:
        return environment_of(row)
    try:
        cached = cache.get(f"environment:{wanted}")
    except (RedisError, OSError):
        return None
    return cached if isinstance(cached, Environment) else None


def baseline(*, hours_back: int, now: datetime) -> Environment | None:
    """Return the server's environment `hours_back` hours ago: the last snapshot before then, else the first after."""
    rows, moment = EnvironmentSnapshot.objects.filter(source=SERVER), now - timedelta(hours=hours_back)
    found = rows.filter(captured_at__lte=moment).order_by("-captured_at", "-pk").first()
    found = found or rows.filter(captured_at__gt=moment).order_by("captured_at", "pk").first()
    return environment_of(found) if found else None


def latest_report_of(seen: QuerySet[EnvironmentSnapshot], snapshot_id: uuid.UUID) -> Environment | None:
    """Return the newest report of the student whose report this is; None for a snapshot of the server."""
    owner = Student.objects.filter(environments__snapshot_id=snapshot_id).values("pk")
    found = seen.filter(source=CLIENT, student__in=owner).order_by("-captured_at", "-pk").first()
    return environment_of(found) if found else None


# --- Comparing ------------------------------------------------------------------------------------------------------


def compare(before: Environment, after: Environment) -> dict[str, Any]:
    """Return the comparison as in http.md section 10, with both of its naming schemes."""
    packages = difference(before.versions, after.versions)
    settings = list(_settings(before, after))
    changes: list[dict[str, Any]] = [
        *({"type": "added", **entry} for entry in packages["added_packages"]),
        *({"type": "removed", **entry} for entry in packages["removed_packages"]),
        *({"type": "updated", **entry} for entry in packages["updated_packages"]),
        *({"type": "environment", **entry} for entry in settings),
    ]
    return {
        "message": "Environment comparison completed",
        "changes": changes,
        "added_packages": packages["added_packages"],
        "removed_packages": packages["removed_packages"],
        "version_changes": packages["updated_packages"],
        "from_snapshot_id": before.snapshot_id,
        "to_snapshot_id": after.snapshot_id,
        "changes_detected": bool(changes),
        "diff": {
            **packages,
            "environment_changes": settings,
            "from_captured_at": before.captured_at,
            "to_captured_at": after.captured_at,
        },
    }


def _settings(before: Environment, after: Environment) -> Iterable[dict[str, Any]]:
    for part, names in COMPARED.items():
        for name in names:
            old, new = getattr(before, part).get(name), getattr(after, part).get(name)
            if old != new:
                yield {"name": name, "old_value": old, "new_value": new}
