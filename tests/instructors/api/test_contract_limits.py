"""docs/contract/http.md section 1.4: how often one may call, and fail to log in."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.utils import timezone

from instructors import throttles
from tests.classroom.api import PASSWORD, Api, api_of

pytestmark = pytest.mark.django_db

REFUSAL = {"detail": "Too many requests"}


@pytest.fixture(autouse=True)
def _limits(settings, _open_doors, monkeypatch):
    settings.RATE_LIMITS = True
    settings.API_CALLS_PER_MINUTE = 3
    settings.LOGIN_FAILURES = 3
    clock(monkeypatch, 1_000_000_020.0)  # a window does not end during a test


def clock(monkeypatch, seconds: float) -> None:
    monkeypatch.setattr(throttles.CallerThrottle, "timer", staticmethod(lambda: seconds))


def statuses(api: Api, path: str, times: int, method: str = "GET", **headers: str) -> list[int]:
    return [api(method, path, **headers).status_code for _ in range(times)]


def test_http_14_calls_of_an_address_429(anyone):
    assert statuses(anyone, "/api/v1/dashboard/overview", 4) == [200, 200, 200, 429]
    answer = anyone("GET", "/api/v1/dashboard/metrics")
    assert (answer.status_code, answer.data) == (429, REFUSAL)
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


def test_http_14_calls_of_an_instructor_429(hanako, taro):
    assert statuses(api_of(hanako), "/api/v1/auth/me", 4) == [200, 200, 200, 429]
    assert statuses(api_of(taro), "/api/v1/auth/me", 1) == [200], "of one instructor, not of the address"


def test_a_window_ends(anyone, monkeypatch):
    statuses(anyone, "/api/v1/dashboard/overview", 4)
    clock(monkeypatch, 1_000_000_080.0)
    assert statuses(anyone, "/api/v1/dashboard/overview", 1) == [200]


@pytest.mark.parametrize("path", ["/api/v1/health", "/health", "/api/v1/health/simple", "/api/v1/test/events"])
def test_http_14_never_429(anyone, path):
    assert set(statuses(anyone, path, 6)) == {200}


def test_http_14_never_429_on_the_intake(anyone):
    assert set(statuses(anyone, "/api/v1/events/health", 6)) == {200}


def test_http_14_rate_limits_off(settings, anyone, hanako):
    settings.RATE_LIMITS = False
    assert set(statuses(anyone, "/api/v1/dashboard/overview", 6)) == {200}
    assert [fail(anyone) for _ in range(6)] == [401] * 6


def test_everybody_gets_through_while_redis_is_away_and_waits_for_nothing(anyone, settings, monkeypatch):
    settings.REDIS_URL = "redis://127.0.0.1:9"
    throttles._redis.cache_clear()
    pauses: list[float] = []
    monkeypatch.setattr("redis.retry.sleep", pauses.append)
    assert set(statuses(anyone, "/api/v1/dashboard/overview", 6)) == {200}
    assert sum(pauses) < 0.5
    throttles._redis.cache_clear()


def test_behind_our_proxy_the_client_counts(settings, anyone):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    path = "/api/v1/dashboard/overview"
    proxied = {"X-Forwarded-Proto": "https"}
    assert 429 in statuses(anyone, path, 4, **proxied, **{"X-Forwarded-For": "6.6.6.6, 10.0.0.1"})
    assert statuses(anyone, path, 1, **proxied, **{"X-Forwarded-For": "6.6.6.6, 10.0.0.2"}) == [200]
    assert statuses(anyone, path, 1, **proxied, **{"X-Forwarded-For": "7.7.7.7, 10.0.0.1"}) == [429]


# --- Logins -----------------------------------------------------------------------------------------------------------


def fail(api: Api, email: str = "hanako@example.com", password: str = "wrong") -> int:
    return api("POST", "/api/v1/auth/login", {"email": email, "password": password}).status_code


@pytest.fixture
def many_calls(settings):
    settings.API_CALLS_PER_MINUTE = 1000


def test_http_14_failed_logins_429(anyone, hanako, many_calls):
    assert [fail(anyone) for _ in range(4)] == [401, 401, 401, 429]
    answer = anyone("POST", "/api/v1/auth/login", {"email": " HANAKO@example.com", "password": PASSWORD})
    assert (answer.status_code, answer.data) == (429, REFUSAL), "the right password too: else it could be guessed"
    assert 1 <= int(answer.headers["Retry-After"]) <= 300


def test_unknown_addresses_are_counted_alike(anyone, many_calls):
    assert [fail(anyone, email="nobody@example.com") for _ in range(4)] == [401, 401, 401, 429]


def test_of_one_e_mail_only(anyone, hanako, taro, many_calls):
    assert 429 in [fail(anyone) for _ in range(4)]
    assert fail(anyone, email="taro@example.com", password=PASSWORD) == 200


def test_logins_that_succeed_do_not_count(anyone, hanako, many_calls):
    assert {fail(anyone, password=PASSWORD) for _ in range(6)} == {200}
    assert [fail(anyone) for _ in range(4)] == [401, 401, 401, 429]


def test_the_lockout_ends_five_minutes_after_the_first_failure(anyone, hanako, many_calls):
    assert 429 in [fail(anyone) for _ in range(4)]
    failed = AccessAttempt.objects.filter(username="hanako@example.com")
    failed.update(attempt_time=timezone.now() - timedelta(seconds=298))
    assert fail(anyone, password=PASSWORD) == 429
    failed.update(attempt_time=timezone.now() - timedelta(seconds=300))
    assert fail(anyone, password=PASSWORD) == 200


def test_every_key_expires(anyone, hanako, redis):
    fail(anyone)
    keys = redis.keys("limit:*")
    assert len(keys) == 1
    assert all(0 < redis.ttl(key) <= 300 for key in keys)
    assert not any(b"hanako" in key for key in keys)


def test_guessing_the_own_password_is_counted_too(hanako, many_calls):
    me = api_of(hanako)
    body = {"current_password": "wrong", "new_password": "password123"}
    assert [me("PUT", "/api/v1/auth/password", body).status_code for _ in range(4)] == [400, 400, 400, 429]
