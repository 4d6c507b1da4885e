"""Is this container fit for its task? Exit code 0 or 1, and a word about why. Standard library and redis alone.

healthcheck.py redis postgres    the web server here answers, and says that these services are healthy
healthcheck.py --worker          a worker of this container showed a sign of life
healthcheck.py --cron            the same of the scheduler
"""

import json
import os
import socket
import sys
import time
from datetime import UTC, datetime
from typing import Any, cast
from urllib import error, request

HEALTH = "/api/v1/health"
# An idle rq worker shows itself every seven minutes, the scheduler every minute.
WORKER_SILENCE, CRON_SILENCE = 500, 180  # seconds


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
    sick = [name for name in services if found["services"][name]["status"] != "healthy"]
    return f"not healthy: {', '.join(sick)}" if sick else ""


def worker() -> str:
    return _silence("rq:workers", "rq:worker:", WORKER_SILENCE)


def _silence(members: str, prefix: str, longest: int) -> str:
    redis = _redis()
    here = socket.gethostname()
    for name in cast(set[bytes], redis.smembers(members)):
        key = name.decode()
        key = key if key.startswith(prefix) else f"{prefix}{key}"
        host, seen = redis.hmget(key, "hostname", "last_heartbeat")
        if host and host.decode() == here and seen:
            moment = datetime.fromisoformat(seen.decode().replace("Z", "+00:00"))
            if (datetime.now(UTC) - moment).total_seconds() < longest:
                return ""
    return f"no worker of {here} has shown itself for {longest} s"


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
