"""Check the health of a container. Exit code 0 or 1, and a message. Needs no settings but REDIS_URL.

healthcheck.py redis postgres    the web server of this container answers and reports these services healthy
healthcheck.py --worker          a worker of this container is alive and not stuck
healthcheck.py --cron            a scheduler has sent a heartbeat
"""

import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any, cast
from urllib import error, request

HEALTH = "/api/v1/health"
# A worker's heartbeat is written every second and expires after 90; the scheduler's is written every minute.
WORKER_TIMEOUT, CRON_TIMEOUT = 90, 180  # seconds
HEALTHY = ("idle", "processing")


def web(services: list[str], *, port: str) -> str:
    """Return what is wrong, or an empty text."""
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip() or "localhost"
    asked = request.Request(f"http://127.0.0.1:{port}{HEALTH}", headers={"Host": host})
    try:
        with request.urlopen(asked, timeout=5) as answer:  # noqa: S310
            found = json.load(answer)
    except error.HTTPError as refused:  # 503: the body has the unhealthy services
        if refused.code != 503:
            return f"HTTP {refused.code}"
        found = json.load(refused)["detail"]
    unhealthy = [name for name in services if found["services"][name]["status"] == "unhealthy"]
    return f"not healthy: {', '.join(unhealthy)}" if unhealthy else ""


def worker() -> str:
    """Check that one worker is healthy; the supervisor replaces the others. Keys: events/queue/heartbeats.py."""
    redis = _redis()
    names = cast(list[bytes], redis.zrangebyscore("workers", time.time(), "inf"))
    values = cast(list[bytes], redis.mget([f"worker:{name.decode()}:heartbeat" for name in names])) if names else []
    host = socket.gethostname()
    found = [beat["status"] for beat in map(json.loads, filter(None, values)) if beat["host"] == host]
    if any(status in HEALTHY for status in found):
        return ""
    return f"all workers of {host} are stuck or ending" if found else f"no worker of {host} in {WORKER_TIMEOUT} s"


def cron() -> str:
    """Check that a scheduler on any machine is alive; rq's registry has their names by the last heartbeat."""
    newest = _redis().zrange("rq:cron_schedulers", -1, -1, withscores=True)
    if newest and time.time() - newest[0][1] < CRON_TIMEOUT:
        return ""
    return f"no scheduler has shown itself for {CRON_TIMEOUT} s"


def _redis() -> Any:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from core.redis import client_of

    return client_of(os.environ["REDIS_URL"], socket_timeout=3, socket_connect_timeout=3)


def main(arguments: list[str]) -> int:
    try:
        if arguments == ["--worker"]:
            wrong = worker()
        elif arguments == ["--cron"]:
            wrong = cron()
        else:
            wrong = web(arguments, port=os.environ.get("HEALTH_PORT", "8000"))
    except Exception as failure:  # any error means an unhealthy container
        wrong = f"{type(failure).__name__}: {failure}"
    print(wrong or "healthy")  # noqa: T201 - Docker stores it
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
