"""What a browser is told with every answer of a copy that runs as on a server: pages, administration, API, errors,
frames, files, the intake."""

import json

import httpx
import pytest

from tests.browser.pages import PLACES, Cast

TEACHER = {"email": "teacher@example.com", "password": "violet tram 40 bees"}
SEED = "from tests.browser.lesson import main; main('teacher@example.com')"
TABLES = """
from django.contrib import admin
admin.autodiscover()
print(*[f"{model._meta.app_label}/{model._meta.model_name}" for model in admin.site._registry])
"""


@pytest.fixture(scope="module")
def system(start_live_system):
    made = start_live_system(
        workers=0,
        DEBUG="0",
        API_REQUIRE_AUTH="1",
        SECRET_KEY="0123456789abcdef" * 4,
        ALLOWED_HOSTS="127.0.0.1",
        RATE_LIMITS="0",
        BACKEND_CORS_ORIGINS="https://lab.example",
    )
    made.manage("collectstatic", "--noinput", "-v0")
    made.manage(
        "create_instructor", "--email", TEACHER["email"], "--role", "admin", "--password-stdin",
        stdin=TEACHER["password"],
    )  # fmt: skip
    made.web.stop()  # WhiteNoise looks for its files when it starts
    made.web.start()
    made.wait_until_answers()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def cast(system) -> Cast:
    return Cast(**json.loads(system.manage("shell", "--no-imports", "-v0", "-c", SEED)))


@pytest.fixture(scope="module")
def browser(system):
    """As it comes through our proxy, over HTTPS."""
    # The cookies are for HTTPS only; this line to the server is not, so they are carried by hand.
    with httpx.Client(
        base_url=system.url, timeout=60, headers={"X-Forwarded-Proto": "https", "Accept": "text/html"}
    ) as client:
        carried = token = ""
        page = client.get("/login/")
        carried = "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookies.jar)
        token = page.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        fields = {"username": TEACHER["email"], "password": TEACHER["password"], "csrfmiddlewaretoken": token}
        headers = {"Cookie": carried, "Referer": f"https://127.0.0.1:{system.port}/login/"}
        answer = client.post("/login/", data=fields, headers=headers)
        assert answer.status_code == 302, answer.text
        client.headers["Cookie"] = "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookies.jar)
        client.cookies.clear()
        yield client


def policy_of(answer: httpx.Response) -> dict[str, str]:
    parts = [part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";")]
    return {name: (rest[0] if rest else "") for name, *rest in parts}


def check_all(answer: httpx.Response) -> None:
    """What holds for whatever comes from Django."""
    headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "microphone=()" in headers["Permissions-Policy"]
    assert headers["X-Request-ID"]
    assert "Server" not in headers or "/" not in headers["Server"], "no version to look holes up by"


def check_page(answer: httpx.Response) -> None:
    check_all(answer)
    policy = policy_of(answer)
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert (policy["default-src"], policy["script-src"], policy["style-src"]) == ("'self'", "'self'", "'self'")
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert answer.headers["X-Frame-Options"] == "DENY"
    for part in ("<script>", '="javascript:', " onclick=", " style="):
        assert part not in answer.text.lower(), f"{part} is nothing that this policy lets run"


REFUSED = {"only forms": 405, "password link, no longer open": 410, "first account, a guessed link": 404}


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_every_page(browser, cast, place):
    answer = browser.get(place.address(cast), headers={} if place.signed_in else {"Cookie": ""})
    assert answer.status_code == REFUSED.get(place.name, 200)
    check_page(answer)
    if place.signed_in and answer.status_code == 200:
        assert {"no-cache", "no-store", "private"} <= set(answer.headers["Cache-Control"].split(", "))


def test_the_administration(browser, system, cast):
    names = system.manage("shell", "--no-imports", "-v0", "-c", TABLES).split()
    assert len(names) > 20
    pages = ["", "rq/", *(f"{name}/" for name in names), "lms/class/add/", f"lms/class/{cast.class_id}/change/"]
    for page in pages:
        answer = browser.get(f"/admin/{page}")
        assert answer.status_code == 200, page
        check_all(answer)
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert policy_of(answer)["script-src"] == "'self'"
        assert answer.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere/", 404),
        ("GET", "/classes/999999/", 404),
        ("POST", "/everybody/", 403),  # without its CSRF token
        ("GET", "/display/", 405),
        ("GET", "/api/v1/docs", 200),
        ("GET", "/invitations/guessed:token/", 404),
    ],
)
def test_errors_and_the_page_of_the_api(browser, method, path, status):
    answer = browser.request(method, path)
    assert answer.status_code == status
    check_page(answer)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/api/v1/openapi.json", 200), ("/api/v1/classes", 403), ("/api/v1/nowhere", 404), ("/api/v1/health/live", 200)],
)
def test_the_api(browser, path, status):
    answer = browser.get(path, headers={"Accept": "*/*"})
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("application/json")
    check_all(answer)


def test_no_cache_keeps_what_the_api_says(browser, cast):
    anything = {"Accept": "*/*"}
    token = browser.post("/api/v1/auth/login", json=TEACHER, headers=anything)
    assert token.status_code == 200
    shown = anything | {"Authorization": f"Bearer {token.json()['token']['access_token']}"}
    people = browser.get("/api/v1/students", headers=shown)
    refused = browser.get("/api/v1/students", headers=anything | {"Cookie": ""})
    assert (people.status_code, refused.status_code) == (200, 403)
    for answer in (token, people, refused):
        assert answer.headers["Cache-Control"] == "private, no-store"


def test_files(browser):
    answer = browser.get("/api/v1/docs")
    address = answer.text.split('<link rel="icon" href="')[1].split('"')[0]
    answer = browser.get(address)
    assert answer.status_code == 200
    check_all(answer)


@pytest.mark.parametrize(
    "path", ["submissions/{0.submission_id}/notebook/", "submissions/{0.submission_id}/notebook/?plain"]
)
def test_a_strangers_notebook_is_in_a_sandbox(browser, cast, path):
    answer = browser.get(f"/classes/{cast.class_id}/" + path.format(cast))
    assert answer.status_code == 200
    check_all(answer)
    policy = policy_of(answer)
    assert policy["sandbox"] == ""
    assert policy["default-src"] == "'none'"
    assert "script-src" not in policy
    assert policy["frame-ancestors"] == "'self'"
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_the_intake(system):
    answer = httpx.post(f"{system.url}/api/v1/events", json=[])
    assert answer.status_code == 401
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_plain_http_leads_to_https_but_for_the_extension(system):
    assert httpx.get(f"{system.url}/login/").headers["Location"].startswith("https://")
    assert httpx.post(f"{system.url}/api/v1/events", json=[]).status_code == 401


@pytest.mark.parametrize(("origin", "is_listed"), [("https://lab.example", True), ("https://evil.example", False)])
def test_other_sites_may_call_by_a_list(system, origin, is_listed):
    for path in ("/api/v1/events", "/api/v1/health/live", "/api/v1/classes"):
        ask = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        for answer in (
            httpx.get(f"{system.url}{path}", headers={"Origin": origin}),
            httpx.options(f"{system.url}{path}", headers=ask),
        ):
            allowed = answer.headers.get("Access-Control-Allow-Origin")
            assert allowed == (origin if is_listed else None)
            assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Origin" not in httpx.get(f"{system.url}/login/", headers={"Origin": origin}).headers


def test_a_missing_page_has_the_policy_with_debug_too(client, settings):
    settings.DEBUG = True
    answer = client.get("/no/such/page")
    assert answer.status_code == 404
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
