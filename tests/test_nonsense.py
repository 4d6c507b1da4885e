"""Nonsense at every address of the API and of the pages: in paths, queries, bodies, forms, cookies and headers. It is
refused with 4xx, or finds nothing; never 500. The administration has a walk of its own (tests/lms/admin).

Every address, part of a path, name in a query, field, form and header is met, and every value, but not each value at
each place: how many, the constants say. `FAULTS=long` (`make faults`) asks all of them everywhere."""

import inspect
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from urllib.parse import quote, unquote

import pytest
from django.contrib.auth import get_user_model
from django.core.handlers.wsgi import WSGIRequest, get_bytes_from_wsgi
from django.http import QueryDict
from django.test import Client
from django.urls import Resolver404, resolve
from django.utils.functional import cached_property

from instructors import tokens
from tests.access_matrix.api import API_ROWS
from tests.access_matrix.pages import PAGE_ROWS
from tests.nonsense import FEW, TEXTS, VALUES
from tests.selection import IS_LONG, some_of
from tests.test_access_matrix import API, _locked, cast, filled, ids  # noqa: F401  (fixtures)
from tests.visitors import Undoing, recognise

pytestmark = pytest.mark.usefixtures("plain_templates")

# Every name that a query of the API has; what an address does not know, it ignores.
QUERY = re.compile(
    r"query_(?:integer|id|text|boolean)\(\s*(?:self\.)?request, \"(\w+)\"|query_params(?:\.get\(|\[)\"(\w+)\""
)
PAGE_QUERY = re.compile(r"GET(?:\.get(?:list)?\(|\[)\"([\w-]+)\"")
COMMON = ["skip", "limit", "class_id", "email", "page", "sort", "q", "class", "next", "team"]


@pytest.fixture
def admin(db, redis, ids, cast, monkeypatch):  # noqa: F811
    client = Client(raise_request_exception=False)
    client.force_login(cast.admin)
    bearer = f"Bearer {tokens.issue(cast.admin, now=datetime.now(UTC))}"
    recognise(cast.admin, session=client.session.session_key, bearer=bearer, patch=monkeypatch)
    with Undoing.watching() as rows:
        yield client, {"Authorization": bearer}, rows


def status_of(admin, method: str, address: str, body: bytes = b"", kind: str = "application/json", **headers) -> int:
    client, bearer, rows = admin
    answer = client.generic(method, address, body, content_type=kind, headers={**bearer, **headers})
    for _ in answer.streaming_content if answer.streaming else ():
        pass  # its end closes the file
    rows.undo()
    return answer.status_code


def address_of(path: str, ids, **instead) -> str:  # noqa: F811
    path = path[1:] if path.startswith("~") else API + path
    return re.sub(r"\{(\w+)\}", lambda place: str(instead.get(place[1], ids[place[1]])), path)


def module_queries(address: str) -> list[str]:
    """The names that the module of a view asks for."""
    view = resolve(address.partition("?")[0]).func
    view = getattr(view, "view_class", getattr(view, "cls", inspect.unwrap(view)))
    text = inspect.getsource(inspect.getmodule(view))
    return sorted({name for found in (QUERY, PAGE_QUERY) for match in found.findall(text) for name in
                   ((match,) if isinstance(match, str) else match) if name})  # fmt: skip


@pytest.fixture
def recorded(monkeypatch) -> set[str]:
    """The names that are read from queries. What nobody reads, nobody stumbles over, whatever its value."""
    names: set[str] = set()

    class Noted(QueryDict):
        def __getitem__(self, name):
            names.add(name)
            return super().__getitem__(name)

        def get(self, name, default=None):
            names.add(name)
            return super().get(name, default)

        def getlist(self, name, default=None):
            names.add(name)
            return super().getlist(name, default)

        def __contains__(self, name):
            names.add(name)
            return super().__contains__(name)

        def setlistdefault(self, name, default_list=None):  # as it is filled
            return dict.setdefault(self, name, [])

        def items(self):  # of whoever takes all names alike
            return [(name, super(Noted, self).__getitem__(name)) for name in self]

    def query(request):
        return Noted(get_bytes_from_wsgi(request.environ, "QUERY_STRING", ""), encoding=request._encoding)

    made = cached_property(query)
    made.__set_name__(WSGIRequest, "GET")
    monkeypatch.setattr(WSGIRequest, "GET", made)
    return names


# At so many places is a value asked: in the first address of those whose path begins alike, which is read by the same
# code, in the others; of a name in a query, a field of a body, and whole bodies; in forms and headers.
IN_A_PATH = 9
IN_A_LIKE_PATH = IN_A_QUERY = IN_A_FIELD = WHOLE_BODIES = 3
IN_A_FORM, IN_A_HEADER = 4, 4

STRAYS: set[tuple[str, str]] = set()
BEGUN: set[str] = set()


def values_at(begin: str, place: int) -> Sequence[str]:
    """Of all values in the first address that begins so; in the others, of those with one of each kind."""
    if begin in BEGUN and not IS_LONG:
        return some_of(FEW, place, share=IN_A_LIKE_PATH)
    BEGUN.add(begin)
    return some_of(VALUES, place, share=IN_A_PATH)


def is_new(address: str, path: str, value: str) -> bool:
    """Whether an address leads to a view, or is the first of its part of the product that leads nowhere with this
    value: all such get the same page from the same place."""
    try:
        resolve(unquote(address.partition("?")[0], errors="replace"))
    except Resolver404:
        stray = ("/".join(path.split("/")[:2]), value)
        if stray in STRAYS:
            return False
        STRAYS.add(stray)
    return True


ROWS = list({(method, path): (method, path, body) for method, path, body, _ in [*API_ROWS, *PAGE_ROWS]}.values())
NAMES = [f"{method} {path}" for method, path, _ in ROWS]


@pytest.mark.parametrize(("method", "path", "body"), ROWS, ids=NAMES)
def test_paths_queries_and_bodies(admin, ids, recorded, method, path, body):  # noqa: F811
    sent = b"" if body is None else json.dumps(filled(body, ids)).encode()
    places = count(NAMES.index(f"{method} {path}"))  # the first place of each address has its turn, too
    bad = []

    def ask(address: str, content: bytes = sent, what: object = "") -> None:
        status = status_of(admin, method, address, content)
        if status >= 500:
            bad.append((address[:100], str(what)[:60], status))

    for name in re.findall(r"\{(\w+)\}", path):
        for value in values_at(f"{method} {path.partition(f'{{{name}}}')[0]}", next(places)):
            address = address_of(path, ids, **{name: value})
            if is_new(address, path, value):
                ask(address)
    for segment in ("hanako@example.com", "lesson/loops.ipynb", "guessed:token", "nothing", "cache_ttl_seconds"):
        if segment in path:
            for value in some_of(VALUES, next(places), share=IN_A_PATH):
                address = address_of(path.replace(segment, value), ids)
                if is_new(address, path, value):
                    ask(address)
    plain = address_of(path, ids).partition("?")[0]
    own = module_queries(plain)
    recorded.clear()
    ask(plain)
    ask(f"{plain}?{'&'.join(f'{name}=1' for name in sorted({*own, *COMMON}))}")
    asked: set[str] = set()
    while names := recorded - asked:  # one may be read only where another is sent
        asked |= names
        for name in sorted(names):
            for value in some_of(FEW, next(places), share=IN_A_QUERY):
                ask(f"{plain}?{quote(name, errors='surrogatepass')}={value}")
    ask(f"{plain}?%00=%00&%ED%A0%80=%FF")
    if isinstance(body, dict):
        for name in body:
            for value in some_of([*TEXTS, *ODD], next(places), share=IN_A_FIELD):
                ask(plain, json.dumps({**filled(body, ids), name: value}).encode(), (name, value))
    if method in ("POST", "PUT"):
        for raw in some_of(RAW, next(places), share=WHOLE_BODIES):
            ask(plain, raw, raw)
    assert bad == []


def test_names_that_are_read_are_recorded(admin, recorded):
    status_of(admin, "GET", "/api/v1/students?skip=1&nobody=1")
    assert {"skip", "limit"} <= recorded
    assert "nobody" not in recorded


ODD = [10**30, -1, 1e308, [], {}, [["\0"]], {"\0": "\ud800"}, True, None, [None], "\ud800\udc00"]
RAW = [b"\0", b"\xff", b'"\\ud800"', b"[" * 2000, b"{}", b"[]", b"null", b"1e999", b'{"a": NaN}', b'{"\\u0000": 1}',
       b"[[1]]", b'{"events": [{"\\u0000": "\\ud800"}]}']  # fmt: skip

# --- Forms ------------------------------------------------------------------------------------------------------------

FORMS = [path for method, path, _ in ROWS if method == "POST" and path.startswith("~")]
FORMS += ["~/login/", "~/i18n/setlang/", "~/classes/new/", "~/classes/{python}/setup/",
          "~/classes/{python}/setup/students/", "~/classes/{python}/setup/students/import/",
          "~/classes/{python}/assignments/new/"]  # fmt: skip
TYPED = ["\0", "\ud800", "9" * 30, "-1", "²", "", "9999-12-31T23:59", "0001-01-01T00:00", "x" * 5000, "[", "NaN"]
FIELD = re.compile(r"(?:POST|FILES)(?:\.get(?:list)?\(|\[)\"([\w-]+)\"|^    (\w+) = forms\.", re.MULTILINE)
FIELDS = ["name", "class_code", "description", "email", "title", "due_date", "points", "notebook", "text", "mode",
          "next", "action", "role", "username", "password", "language", "seen", "grace", "lines", "x", "y", "team",
          "positions", "student", "students", "start_date", "end_date", "to", "account", "version"]  # fmt: skip


@pytest.mark.parametrize("path", FORMS)
def test_forms(admin, ids, path):  # noqa: F811
    address = address_of(path, ids).partition("?")[0]
    view = inspect.unwrap(resolve(address).func)
    text = inspect.getsource(inspect.getmodule(getattr(view, "view_class", view)))
    own = {name for pair in FIELD.findall(text) for name in pair if name}
    names = sorted(own | set(FIELDS))
    place = FORMS.index(path)
    bad = []
    for value in some_of(TYPED, place, share=IN_A_FORM):
        encoded = "&".join(f"{name}={quote(value, errors='surrogatepass')}" for name in names)
        status = status_of(admin, "POST", address, encoded.encode(), "application/x-www-form-urlencoded")
        if status >= 500:
            bad.append((value[:20], status))
    for number, name in enumerate(sorted(own), start=place):  # with the others as they could be
        for value in some_of(["\0", "9" * 30], number, share=1):
            others = {**dict.fromkeys(names, "1"), name: value}
            encoded = "&".join(f"{key}={quote(item, errors='surrogatepass')}" for key, item in others.items())
            status = status_of(admin, "POST", address, encoded.encode(), "application/x-www-form-urlencoded")
            if status >= 500:
                bad.append((name, value[:20], status))
    for kind in some_of(KINDS, place, share=2):
        status = status_of(admin, "POST", address, b"a=%00", kind)
        if status >= 500:
            bad.append((kind[:60], status))
    assert bad == []


KINDS = ["multipart/form-data", "multipart/form-data; boundary=\x00", "multipart/form-data; boundary=" + "x" * 300,
         "application/x-www-form-urlencoded; charset=no-such", "text/\xff", "",
         "application/x-www-form-urlencoded; charset=utf-16"]  # fmt: skip
UPLOADS = [("~/classes/{python}/room/map/upload/", "picture"), ("~/classes/{python}/setup/students/import/", "list"),
           ("~/classes/{python}/assignments/new/", "starter"), ("/classroom/map/upload", "file")]  # fmt: skip
FILE_NAMES = [
    "a\0b.png",
    "\0",
    "../../etc/passwd",
    "..",
    "",
    "x" * 5000 + ".png",
    "%00.png",
    "\u202egnp.exe",
    '"; x="',
    "a/b",
]


@pytest.mark.parametrize(("path", "field"), UPLOADS)
def test_names_of_files(admin, ids, settings, tmp_path, path, field):  # noqa: F811
    settings.MEDIA_ROOT = tmp_path
    bad = []
    for name in FILE_NAMES:
        for content in (b"\0" * 100, b"email,name\r\na\0@x.jp,\xff", b"{}"):
            head = (
                f'--B\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\nContent-Type: \0\r\n\r\n'
            )
            body = head.encode() + content + b"\r\n--B--\r\n"
            status = status_of(admin, "POST", address_of(path, ids), body, "multipart/form-data; boundary=B")
            if status >= 500:
                bad.append((name[:20], status))
    assert bad == []


# --- Headers and cookies ----------------------------------------------------------------------------------------------

HEADERS = ["authorization", "x-class-key", "x-forwarded-for", "x-request-id", "accept-language", "user-agent", "origin",
           "referer", "accept", "x-requested-with", "x-activity", "if-modified-since", "if-none-match", "range",
           "content-encoding", "x-csrftoken"]  # fmt: skip
SENT = ["a\0b", "\xff", "Bearer \xff", "Bearer a.b.c", "Bearer " + "x" * 9000, "https://[", "http://[::1", "-1", "",
        "bytes=9-1", "ja;q=NaN", "Thu, 99 Foo 99999 99:99:99 GMT", "gzip", "//"]  # fmt: skip
ASKED = [("GET", "/api/v1/classes"), ("POST", "/api/v1/classes"), ("GET", "/"), ("GET", "/login/"), ("POST", "/login/"),
         ("POST", "/api/v1/cell-monitor"), ("GET", "/api/v1/me?email=a"), ("POST", "/api/v1/auth/login"),
         ("GET", "/admin/")]  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_headers(admin, ids, name):  # noqa: F811
    bad = []
    for place, (method, path) in enumerate(ASKED, start=HEADERS.index(name)):
        for value in some_of(SENT, place, share=IN_A_HEADER):
            status = status_of(admin, method, path, b"{}", **{name: value})
            if status >= 500:
                bad.append((value[:20], method, path, status))
    assert bad == []


@pytest.mark.parametrize(
    "value", [r'"abcdefgh\000"', "a\0bcdefgh", "\xff" * 32, "x" * 9000, "", r'"\377\376"', "a" * 32]
)
def test_cookies(db, redis, settings, value):
    get_user_model().objects.create_user("a@example.com", "violet tram 40")
    names = [settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, settings.LANGUAGE_COOKIE_NAME,
             settings.DISPLAY_COOKIE_NAME, settings.MESSAGES_COOKIE_NAME, "other"]  # fmt: skip
    for name in names:
        client = Client(raise_request_exception=False, enforce_csrf_checks=True)
        for path in ("/", "/login/", "/api/v1/classes", "/admin/", "/everybody/"):
            for method in ("GET", "POST"):
                answer = client.generic(method, path, b"", headers={"cookie": f"{name}={value}"})
                assert answer.status_code < 500, (name, method, path)


def test_what_is_a_fault_is_still_one(admin, ids, monkeypatch):  # noqa: F811
    """400 is for what was asked, not for what we do wrong."""
    from classroom.classes import views as classes_views

    def broken(*args: object, **kwargs: object) -> None:
        raise ValueError("ours")

    monkeypatch.setattr(classes_views, "render", broken)
    assert status_of(admin, "GET", "/") == 500
    assert status_of(admin, "GET", "/?q=%00") == 500
