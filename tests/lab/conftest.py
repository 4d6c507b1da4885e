"""A student's real Jupyter server beside the real product. Everything here is slow."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.lab.jupyter import BIN, JupyterServer, jupyter_server
from tests.live import LiveSystem
from tests.servers import wait_until

MAKE_CLASS = """
import json
from django.utils import timezone
from instructors.models import Instructor
from lms.class_codes import make_code
from lms.class_keys import create_key
from lms.models import Class
teacher = Instructor.objects.create_user("ito@example.com", "password123", name="伊藤 / Ito")
made = Class.objects.create(class_code="LAB", name="Lab", instructor=teacher)
code = make_code(made, by=teacher, now=timezone.now()).code
print(json.dumps({"id": made.pk, "teacher": teacher.pk, "key": create_key(made)[1], "code": code}))
"""


# Whole files go to workers, those that take longest first (half a minute and more, most of it waiting).
LONG = ("test_runs", "test_gateway", "test_sleep", "test_class", "test_troubles")
PLACE = {f"tests/lab/{name}.py": place for place, name in enumerate(LONG)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: PLACE.get(item.nodeid.partition("::")[0], len(LONG)))
    for item in items:
        if item.nodeid.startswith("tests/lab/"):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def _installed() -> None:
    """A missing environment is a failure: these tests are not left out in silence."""
    assert (BIN / "jupyter-server").exists(), "JupyterLab is not installed: `make lab`"


class Product:
    """The product, a class in it, and what is stored."""

    def __init__(self, live: LiveSystem, made: dict[str, Any]) -> None:
        self.live, self.url, self.made = live, live.url, made
        self.database = psycopg.connect(live.database_url, autocommit=True, row_factory=dict_row)

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        return self.database.execute(query, values).fetchall()

    def runs(self, email: str) -> list[dict[str, Any]]:
        """All runs of a student, in their order, with the cell as the notebook names it and the path."""
        return self.rows(
            "SELECT e.*, c.cell_id AS cell, n.path FROM cell_executions e JOIN cells c ON c.id = e.cell_id"
            " JOIN notebooks n ON n.id = e.notebook_id JOIN students s ON s.id = e.student_id"
            " WHERE s.email = %s ORDER BY e.executed_at, e.id",
            email,
        )

    def wait_for_runs(self, email: str, number: int, *, seconds: float = 90) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []

        def have_come() -> bool:
            found[:] = self.runs(email)
            return len(found) >= number

        wait_until(have_come, seconds=seconds, what=f"{number} runs of {email}", pause=0.1)
        return found

    def school(self, email: str) -> dict[str, str]:
        """What a school sets for one student: nothing is asked in the panel."""
        names = {"URL": self.url, "KEY": self.made["key"], "USER_ID": email, "USER_NAME": email.split("@")[0]}
        return {f"CELL_MONITOR_{name}": value for name, value in {**names, "CONSENT": "given"}.items()}


@pytest.fixture(scope="module")
def product(live_system: LiveSystem) -> Iterator[Product]:
    printed = live_system.manage("shell", "--no-imports", "-v", "0", "-c", MAKE_CLASS)
    product = Product(live_system, json.loads(printed.strip().splitlines()[-1]))
    yield product
    product.database.close()


@pytest.fixture(scope="module")
def start_jupyter(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., JupyterServer]]:
    """A factory: `start_jupyter("hanako@example.com")` is set up by the school, `start_jupyter()` by nobody."""
    with ExitStack() as stack:

        def start(email: str | None = None, **environment: str) -> JupyterServer:
            school = product.school(email) if email else {}
            folder = tmp_path_factory.mktemp("jupyter")
            return stack.enter_context(jupyter_server(folder, **{**school, **environment}))

        yield start
