"""The OpenAPI document is valid, whole and true; the page that shows it keeps to the strict policy.

What the checks may not expect of the answers, and why, stands in schemathesis.toml: it is also read by
`st run <server>/api/v1/openapi.json`, which asks the running server the same at greater length.
"""

import os
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property

import pytest
import requests
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.test import Client
from django.urls import get_resolver
from django.utils import translation
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks
from schemathesis.pytest.lazy import get_all_tests

from classroom.analytics.models import AnalyticsReport
from classroom.analytics.services import build_report
from instructors import tokens
from lms.api.schema_views import document
from lms.environments import collection
from lms.models import AssignmentSubmission, ClassroomMap
from tests.servers import ROOT

NOUNS = (
    "classes",
    "assignments",
    "submissions",
    "students",
    "notebooks",
    "me",
    "classroom",
    "offline",
    "environment",
    "notebook-version",
    "analytics",
)
WANT_A_TOKEN = ("analytics",)
WITHOUT_BODY = ("/api/v1/me/page",)
NEVER_LIMITED = ("/api/v1/offline/queue",)
FILES = {"{filename}": {"image/jpeg"}, "download": {"application/json", "text/csv"}}
METHODS = {"get", "post", "put", "delete"}
INTAKES = ("events", "events/health", "progress/student-progress", "cell-monitor")


def operations() -> list[tuple[str, str]]:
    return [
        (path, method)
        for path, item in document()["paths"].items()
        if path.split("/")[3] in NOUNS
        for method in sorted(METHODS & set(item))
    ]


def named(*names: str) -> list[Callable]:
    return [checks.CHECKS.get_one(name) for name in names]


TRUE = ("not_a_server_error", "status_code_conformance", "response_schema_conformance")
TAKES_WHAT_IS_VALID = (*TRUE, "positive_data_acceptance")


def test_the_document_is_valid():
    from drf_spectacular.validation import validate_schema  # brings jsonschema, which takes two seconds to import

    validate_schema(document())


def test_every_view_is_in_it():
    views = [pattern for pattern in routes() if re.search(rf"\^({'|'.join(NOUNS)})/", pattern)]
    assert len(views) == len({path for path, _ in operations()})


def routes(patterns=None):
    for pattern in patterns or get_resolver().url_patterns:
        if hasattr(pattern, "url_patterns"):
            yield from routes(pattern.url_patterns)
        else:
            yield str(pattern.pattern)


def test_every_operation_is_documented(subtests):
    described = document()["paths"]
    for path, method in operations():
        with subtests.test(path=path, method=method):
            is_documented(path, method, described[path][method])


def is_documented(path, method, operation):
    assert operation["summary"]
    assert operation["security"]
    assert {"401", "403"} <= set(operation["responses"])
    assert ("429" in operation["responses"]) == (path not in NEVER_LIMITED)
    if "parameters" in operation or "requestBody" in operation:
        assert "422" in operation["responses"]
    for status, response in operation["responses"].items():
        if status == "304":
            assert "content" not in response
            continue
        is_file = status == "200" and path.endswith(tuple(FILES))
        if status == "204":
            assert "content" not in response
            continue
        expected = FILES[path.rsplit("/", 1)[1]] if is_file else {"application/json"}
        assert set(response["content"]) == expected
        content = next(iter(response["content"].values()))
        shape = {"422": "ValidationError"}.get(status, "HTTPError") if int(status) >= 400 else None
        assert shape is None or content["schema"]["$ref"].endswith(f"/{shape}")
    if method in ("post", "put") and path not in WITHOUT_BODY:
        content = operation["requestBody"]["content"]
        assert content["application/json"]["examples"] if "application/json" in content else content  # else a form


@pytest.fixture
def one_connection():
    """Keep the test's connection, and with it its transaction, through whole requests."""
    ends = [request_started, request_finished]
    for signal in ends:
        signal.disconnect(close_old_connections)
    yield
    for signal in ends:
        signal.connect(close_old_connections)


# The boundary cases are always asked; so many of those at random, which `make faults` asks for, as well.
AT_RANDOM = int(os.environ.get("FAULT_EXAMPLES", "0"))
EXAMPLES = settings(
    max_examples=max(AT_RANDOM, 1),
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, *([Phase.generate] if AT_RANDOM else [])],
    suppress_health_check=list(HealthCheck),
)


def test_answers_are_as_documented(cast, redis, one_connection, settings, subtests, monkeypatch):
    """Whatever is sent, valid or not: no server error, and only answers that the document names. Nothing is limited, as
    nobody here comes near a limit (tests/instructors/api/test_contract_limits.py).

    The tests are made here and not by `schema.parametrize()`, which would have every worker make the document, and that
    takes seconds, when it only reads this file."""

    settings.RATE_LIMITS = False
    monkeypatch.setattr(collection, "CACHE_SECONDS", 3600.0)  # nothing is installed meanwhile
    bearer = f"Bearer {tokens.issue(cast.sato, now=datetime.now(UTC))}"
    made_for: dict[str, Rows] = {}  # an operation that only reads finds them again
    asked: Counter[str] = Counter()
    reached: set[str] = set()

    def ask(case):
        """The call as it was made up, then the same about rows that exist. Where no row is, one call is enough of those
        that differ only in the rest of the body, which the second looks at."""
        reached.add(case.operation.label)
        if case.path.split("/")[3] in WANT_A_TOKEN:
            case.headers["Authorization"] = bearer
        if case.operation.label not in made_for or case.method.upper() != "GET":
            made_for.clear()
            made_for[case.operation.label] = Rows(cast)
        rows = made_for[case.operation.label]
        meant = rows.meant_by(case)
        if not any(meant) or is_new(case.operation.label, meant, case.path_parameters, case.query):
            call(case)
        rows.put_into(case)
        call(case)

    def call(case):
        """Once what only reads, and all else twice: the second finds what the first has done."""
        place = case.method, case.formatted_path, case.query
        parts = *place, case.headers, case.cookies, case.media_type, case.body
        if is_new(*parts, times=1 if case.method.upper() == "GET" else 2):
            case.call_and_validate(checks=named(*TRUE))

    def is_new(*parts, times=1):
        asked[repr(parts)] += 1
        return asked[repr(parts)] <= times

    # Without the file: its operations would widen what is included here, and it says nothing about the checks used.
    config = schemathesis.Config()
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app=get_wsgi_application(), config=config).include(
        path_regex=f"^/api/v1/({'|'.join(NOUNS)})(/|$)"
    )
    walked = []
    for made in get_all_tests(schema=schema, test_func=ask, settings=EXAMPLES, given_kwargs={}):
        operation, test = made.ok()
        walked.append((operation.path, operation.method))
        redis.flushall()
        with subtests.test(operation.label), transaction.atomic():
            test()
            transaction.set_rollback(True)
            assert operation.label in reached
    assert sorted(walked) == sorted(operations())


@pytest.fixture(scope="module")
def session():
    with requests.Session() as session:
        yield session


@pytest.mark.parametrize("name", INTAKES)
def test_the_intakes_take_what_is_documented(name, live_system, session):
    """On a server, because no view of Django's answers the hot intake."""
    config = schemathesis.Config.from_path(ROOT / "schemathesis.toml")
    live = schemathesis.openapi.from_dict(document(), config=config)
    path = f"/api/v1/{name}"
    operation = live[path]["GET" if name.endswith("health") else "POST"]

    @given(case=operation.as_strategy())
    @settings(max_examples=10, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def ask(case):
        case.call_and_validate(base_url=live_system.url, session=session, checks=named(*TAKES_WHAT_IS_VALID))

    ask()


def test_addresses_beside_the_framework_are_in_it(subtests):
    described = document()["paths"]
    for name in (*INTAKES, "health", "health/simple", "health/ready"):
        with subtests.test(name):
            [(method, operation)] = described[f"/api/v1/{name}"].items()
            is_whole(method, operation)


def is_whole(method, operation):
    assert operation["summary"]
    for response in operation["responses"].values():
        [content] = response["content"].values()
        assert content["examples"]
    if method == "post":
        assert {"400", "401", "403", "413", "422", "503"} <= set(operation["responses"])
        assert {} in operation["security"]
        assert "429" not in operation["responses"]


@pytest.mark.parametrize("path", ["/api/v1/events/health", "/api/v1/health", "/api/v1/health/simple"])
def test_probes_answer_a_wrong_method_in_json(path):
    response = Client(enforce_csrf_checks=True).generic("PURGE", path)
    assert response.status_code == 405
    assert response["Allow"]


def test_ids_in_a_query_reach_from_the_least_to_the_greatest(client, db):
    assert client.get("/api/v1/students?class_id=-9223372036854775807").status_code == 200
    assert client.get("/api/v1/students?class_id=-9223372036854775808").status_code == 422
    assert client.get("/api/v1/students?class_id=--5").status_code == 422


class Rows:
    """Rows that exist, so that not every answer is a 404. Each is looked for once, where a call is about it, and made
    where there is none: the call before may have deleted it."""

    def __init__(self, cast) -> None:
        self._cast = cast
        self._ids = cast.ids()

    def meant_by(self, case) -> list[dict]:
        """What the call asks for by the names of rows: in its path, its query and its body."""
        return [{name: place[name] for name in sorted(self.NAMES & place.keys())} for place in self._places(case)]

    def put_into(self, case) -> None:
        for place in self._places(case):
            place.update({name: getattr(self, name) for name in self.NAMES & place.keys()})

    @staticmethod
    def _places(case):
        return [part if isinstance(part, dict) else {} for part in (case.path_parameters, case.query, case.body)]

    @property
    def class_id(self):
        return self._ids["python"]

    @property
    def assignment_id(self):
        return self._ids["loops"]

    @property
    def student_id(self):
        return self._ids["hanako"]

    @property
    def notebook_id(self):
        return self._ids["notebook"]

    email = "hanako@example.com"

    @cached_property
    def submission_id(self):
        mine = AssignmentSubmission.objects.filter(assignment=self._cast.loops, student=self._cast.hanako)
        return (mine.first() or mine.create(assignment=self._cast.loops, student=self._cast.hanako)).pk

    @cached_property
    def map_id(self):
        return (ClassroomMap.objects.filter(is_active=True).first() or ClassroomMap.objects.create()).pk

    @cached_property
    def report_id(self):
        """A report that is ready."""
        mine = AnalyticsReport.objects.filter(requested_by=self._cast.sato, status="ready")
        report = mine.first()
        if report is None:
            parameters = {"title": "Python", "class_id": self.class_id, "time_range": "7d", "format": "json"}
            report = AnalyticsReport.objects.create(
                requested_by=self._cast.sato, report_type="class", parameters=parameters
            )
            build_report(str(report.report_id))
        return str(report.report_id)

    NAMES = frozenset(
        {"class_id", "assignment_id", "submission_id", "student_id", "notebook_id", "map_id", "report_id", "email"}
    )


def test_the_document_is_served_as_json(client, db):
    response = client.get("/api/v1/openapi.json")
    assert response["Content-Type"] == "application/json"
    assert response.json()["openapi"].startswith("3.")


def test_the_document_is_in_english_whoever_asks_first_and_a_second_is_the_same():
    served = document()
    with translation.override("ja"):
        asked_first = document.__wrapped__()
    assert asked_first == served


@pytest.mark.parametrize("path", ["/api/v1/docs", "/api/v1/docs/"])
def test_the_page_has_no_inline_code_and_its_files_exist(client, db, path):
    response = client.get(path)
    page = response.content.decode()
    assert response.status_code == 200
    assert "default-src 'self'" in response["Content-Security-Policy"]
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\bon\w+=|style=", page)
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert not address.startswith("http")
