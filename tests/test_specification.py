"""The table of addresses, the intake beside Django and the sockets, against every endpoint the contract names.

In both directions: nothing of the contract is missing, in none of its forms, and no address answers a method under
/api/v1 that the contract does not name. The list is `tests/specification.py`, written by hand.
"""

import re
from collections import defaultdict

import pytest
from channels.testing import HttpCommunicator, WebsocketCommunicator
from django.test import Client
from django.urls import Resolver404, get_resolver, resolve

from classroom.sockets.routing import PATHS
from config.asgi import INTAKE_PATHS, application
from tests.servers import ROOT
from tests.specification import API, HTTP, SOCKETS, TWICE, Endpoint
from tests.test_access_matrix import routes

OFFERED = [endpoint for endpoint in HTTP if endpoint.offered]
NOT_OFFERED = [endpoint for endpoint in [*HTTP, *SOCKETS] if not endpoint.offered]
PURE = {"HEAD", "OPTIONS"}  # every address answers them; the contract names neither
NOWHERE = "/socket.io"


def forms(endpoint: Endpoint) -> list[str]:
    """Every address that the contract promises for it: with and without the last slash, and doubled where it says."""
    path = re.sub(r"\{\w+\*\}", "a/b", re.sub(r"\{\w+\}", "1", endpoint.path))
    paths = [path]
    rest = path.removeprefix(API)
    if rest != path and rest.split("/")[1] in TWICE:
        paths.append(f"{API}/v1{rest}")
    if path == "/" or not path.startswith((API, "/health")):
        return paths  # section 1.1 is about the API; the rest is as named
    return [form + slash for form in paths for slash in ("", "/")]


def methods(path: str) -> set[str]:
    """What the address answers. A class says it; a function, and the intake, tell it to a method that nobody has."""
    if path in INTAKE_PATHS:
        return {"POST"}  # see `test_the_intake_beside_django`
    view = resolve(path).func
    if hasattr(view, "view_class"):
        return set(view.view_class().allowed_methods) - PURE
    return set(Client().generic("PURGE", path)["Allow"].split(", ")) - PURE


@pytest.mark.parametrize("endpoint", OFFERED, ids=str)
def test_every_endpoint_of_the_contract_answers(endpoint, db):
    for path in forms(endpoint):
        if endpoint.path == "/":
            assert resolve(path)
        else:
            assert endpoint.method in methods(path), path


@pytest.mark.parametrize("path", sorted(INTAKE_PATHS))
async def test_the_intake_beside_django(path):
    for method, status in (("PURGE", 405), ("GET", 405), ("POST", 422)):
        communicator = HttpCommunicator(application, method, path, body=b"{}")
        answer = await communicator.get_response(timeout=60)
        assert answer["status"] == status


@pytest.mark.parametrize("endpoint", [socket for socket in SOCKETS if socket.offered], ids=str)
def test_every_socket_of_the_contract_is_routed(endpoint):
    path = re.sub(r"\{\w+\}", "1", endpoint.path).lstrip("/")
    for form in (path, path + "/"):
        assert [consumer for pattern, consumer in PATHS if re.fullmatch(rf"{pattern}/?", form)]


def test_nothing_else_answers_under_the_api():
    """Each method of each route, with the contract's; a route without a row is a surprise, and so is a method."""
    named: dict[str, set[str]] = defaultdict(set)
    for endpoint in OFFERED:
        if endpoint.path not in ("/", f"{API}/events"):
            for path in forms(endpoint):
                named[resolve(path).route].add(endpoint.method)
    found = {route for route in routes(get_resolver()) if "api/v1" in route}
    assert found - set(named) == set()
    for endpoint in OFFERED:
        if endpoint.path.startswith(API) and endpoint.path != f"{API}/events":
            path = forms(endpoint)[0]
            assert methods(path) == named[resolve(path).route], path


def test_no_socket_is_without_a_row():
    paths = [re.sub(r"\{\w+\}", "1", socket.path).lstrip("/") for socket in SOCKETS]
    for pattern, _ in PATHS:
        assert [path for path in paths if re.fullmatch(pattern, path)], pattern


@pytest.mark.parametrize("endpoint", [endpoint for endpoint in NOT_OFFERED if endpoint.path != NOWHERE], ids=str)
def test_what_is_optional_and_not_built_is_no_address(endpoint):
    assert endpoint.optional
    with pytest.raises(Resolver404):
        resolve(forms(endpoint)[0])


async def test_socket_io_is_not_offered():
    communicator = WebsocketCommunicator(application, NOWHERE, headers=[(b"host", b"server")])
    accepted, _ = await communicator.connect(timeout=60)
    await communicator.disconnect()
    assert not accepted


@pytest.mark.parametrize(("document", "endpoints"), [("http.md", HTTP), ("websocket.md", SOCKETS)])
def test_the_list_names_every_address_of_the_documents(document, endpoints):
    """The other half of "by hand": whatever stands in code style and looks like an address is in the list."""
    text = (ROOT / "docs" / "contract" / document).read_text()
    text = text.split("## 19. Differs")[0].split("## 8. Differs")[0]
    if document == "http.md":
        found = set(re.findall(r"^\| (?:GET|POST|PUT|DELETE) `([^`?]+)`", text, re.MULTILINE))
        known = {endpoint.path for endpoint in endpoints}
        assert {plain(path) for path in found} <= {plain(path) for path in known} | {
            plain(path.removeprefix(API)) for path in known
        }
    else:
        found = set(re.findall(r"`(/[\w/{}.]+?)(?:\?token=[^`]*)?`", "\n".join(rows(text))))
        known = {plain(endpoint.path) for endpoint in endpoints}
        assert {plain(path) for path in found} - known == set()


def rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if re.match(r"\| W\d ", line)]


def plain(path: str) -> str:
    """The path without the names of its places."""
    return re.sub(r"\{[^}]*\}", "{}", path)
