"""Is this container fit for its task? Exit code 0 or 1, and a word about why. Standard library and redis alone.

healthcheck.py redis postgres    the web server here answers, and says that none of these services is unhealthy
healthcheck.py --worker          a worker of this container lives, and is not stuck
healthcheck.py --cron            a scheduler showed a sign of life
"""

import json
import os
import socket
import sys
import time
from typing import Any, cast
from urllib import error, request

HEALTH = "/api/v1/health"
# A worker writes its heartbeat every second, and it expires after 90; the scheduler shows itself every minute.
WORKER_SILENCE, CRON_SILENCE = 90, 180  # seconds
FIT = ("idle", "processing")


def web(services: list[str], *, port: str) -> str:
    """What is wrong, or nothing."""
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip() or "localhost"
    asked = request.Request(f"http://127.0.0.1:{port}{HEALTH}", headers={"Host": host})
    try:
        with request.urlopen(asked, timeout=5) as answer:  # noqa: S310
            found = json.load(answer)
    except error.HTTPError as refused:  # 503 says that some service is not well; which, is in its body
        if refused.code != 503:
            return f"HTTP {refused.code}"
        found = json.load(refused)["detail"]
    sick = [name for name in services if found["services"][name]["status"] == "unhealthy"]
    return f"not healthy: {', '.join(sick)}" if sick else ""


def worker() -> str:
    """Of several, one is enough: their supervisor replaces the others. Keys: events/queue/heartbeats.py."""
    redis = _redis()
    names = cast(list[bytes], redis.zrangebyscore("workers", time.time(), "inf"))
    told = cast(list[bytes], redis.mget([f"worker:{name.decode()}:heartbeat" for name in names])) if names else []
    here = socket.gethostname()
    found = [beat["status"] for beat in map(json.loads, filter(None, told)) if beat["host"] == here]
    if any(status in FIT for status in found):
        return ""
    return f"all workers of {here} are stuck or ending" if found else f"no worker of {here} in {WORKER_SILENCE} s"


def cron() -> str:
    """One scheduler is enough, wherever it runs: its registry holds names by the time of the last sign of life."""
    newest = _redis().zrange("rq:cron_schedulers", -1, -1, withscores=True)
    if newest and time.time() - newest[0][1] < CRON_SILENCE:
        return ""
    return f"no scheduler has shown itself for {CRON_SILENCE} s"


def _redis() -> Any:
    from redis import Redis

    return Redis.from_url(os.environ["REDIS_URL"], socket_timeout=3, socket_connect_timeout=3)


def main(arguments: list[str]) -> int:
    try:
        if arguments == ["--worker"]:
            wrong = worker()
        elif arguments == ["--cron"]:
            wrong = cron()
        else:
            wrong = web(arguments, port=os.environ.get("HEALTH_PORT", "8000"))
    except Exception as failure:  # whatever it is, the container is not fit
        wrong = f"{type(failure).__name__}: {failure}"
    print(wrong or "healthy")  # noqa: T201 - Docker keeps it
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
