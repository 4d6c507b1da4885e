"""What students type, and what happens to their class, device and home while they work: told in words, nothing lost."""

import json

import pytest

from tests.servers import wait_until

OTHER_CLASS = """
import json
from django.utils import timezone
from instructors.models import Instructor
from lms.class_codes import make_code
from lms.models import Class
teacher = Instructor.objects.get(email="ito@example.com")
made = Class.objects.create(class_code={code!r}, name="Another", instructor=teacher)
print(json.dumps({{"id": made.pk, "code": make_code(made, by=teacher, now=timezone.now()).code}}))
"""
LONG = "長" * 10_000


@pytest.fixture
def other_class(product):
    """A function that makes one: {id, code}."""

    def make(code):
        script = OTHER_CLASS.format(code=code)
        printed = product.live.manage("shell", "--no-imports", "-v", "0", "-c", script)
        return json.loads(printed.strip().splitlines()[-1])

    return make


def test_nonsense_in_every_field_is_answered_in_words_and_the_next_try_counts(product, start_jupyter):
    server = start_jupyter(CELL_MONITOR_CONSENT="given")
    right = {"url": product.url, "user_id": "nonsense@example.com", "user_name": "", "team": ""}
    right["class_code"] = product.made["code"]

    def said(**typed):
        return server.ask("cell-monitor-lab/connect", "POST", {**right, **typed})["text"]["code"]

    for url in ("nonsense", "ftp://x", "http://", "javascript:alert(1)", "http://[::1", "http://x:y", "http://a b"):
        assert said(url=url) in ("bad-address", "not-configured", "unreachable"), url
    for url in (f"https://{LONG}.example", "https://🦆.invalid", "https://" + "a." * 5000):
        assert said(url=url) == "unreachable"
    for code in ("🦆", "\u202eTEL", LONG, "a\0b"):
        assert said(class_code=code) in ("code-unknown", "not-taken"), code
    for field in ({"user_id": LONG}, {"user_name": LONG}, {"team": LONG}, {"user_id": "\0"}):
        assert said(**field) == "not-taken", field
    assert server.state()["device"]["status"] == "none"
    name = "\u202bشادي\u202c 🦆 <b>O'Neil</b> " + "長" * 200
    assert said(user_name=name) == "sending"
    server.kernel("nonsense.ipynb", "1").run("1", cell=0)
    product.wait_for_runs("nonsense@example.com", 1)
    [student] = product.rows("SELECT name FROM students WHERE email = 'nonsense@example.com'")
    assert student["name"] == name


def test_a_device_or_class_that_goes_while_runs_go_keeps_what_runs(product, start_jupyter, other_class):
    """It is said, and all of it is sent to the class that the student joins next."""
    changes = {
        "revoked": "from lms.models import StudentToken as T; from django.utils import timezone;"
        " T.objects.filter(class_ref={}).update(revoked_at=timezone.now())",
        "deleted": "from lms.models import Class; Class.objects.filter(pk={}).delete()",
    }
    servers = {}
    for how, change in changes.items():
        server = servers[how] = start_jupyter(CELL_MONITOR_CONSENT="given")
        made = other_class(how.upper())
        typed = {"url": product.url, "user_id": f"{how}@example.com", "class_code": made["code"]}
        server.ask("cell-monitor-lab/connect", "POST", typed)
        server.kernel("gone.ipynb", "1").run("1", cell=0)
        product.wait_for_runs(f"{how}@example.com", 1)
        product.live.manage("shell", "--no-imports", "-c", change.format(made["id"]))

    def are_refused():
        for server in servers.values():
            server.kernels[0].run("2", cell=0)  # the intake takes a token that is gone for some seconds more
        return all(server.state()["text"]["code"] == "refused" for server in servers.values())

    wait_until(are_refused, seconds=90, what="the refusals", pause=2)
    for how, server in servers.items():
        email = f"{how}@example.com"
        asked = {server.kernels[0].run("3", cell=0)["parent_header"]["msg_id"] for _ in range(3)}
        wait_until(lambda server=server: server.state()["queue"]["waiting"] >= 3, what="what waits")
        typed = {"url": product.url, "user_id": email, "class_code": product.made["code"]}
        server.ask("cell-monitor-lab/connect", "POST", typed)
        wait_until(
            lambda email=email, asked=asked: asked <= {row["run_id"] for row in product.runs(email)},
            seconds=60,
            what="the runs of meanwhile",
            pause=0.1,
        )
        rows = [row["run_id"] for row in product.runs(email)]
        assert len(set(rows)) == len(rows)


def test_two_servers_on_one_home_are_one_device(product, start_jupyter):
    """As JupyterHub's named servers are."""
    email = "named@example.com"
    first = start_jupyter(email)
    second = start_jupyter(email, JUPYTER_DATA_DIR=str(first.folder / "data"))
    kernels = [first.kernel("a.ipynb", "1"), second.kernel("b.ipynb", "1")]
    for _ in range(10):
        for kernel in kernels:
            kernel.run("1", cell=0)
    rows = product.wait_for_runs(email, 20)
    assert sorted({row["path"] for row in rows}) == ["a.ipynb", "b.ipynb"]
    assert len({row["run_id"] for row in rows}) == len(rows) == 20
    query = (
        "SELECT t.id FROM student_tokens t JOIN students s ON s.id = t.student_id"
        " WHERE s.email = %s AND t.revoked_at IS NULL"
    )
    assert len(product.rows(query, email)) == 1
