"""From nothing to the first run on the live page: install, address and code, and who is who."""

import subprocess

import httpx

from tests.lab.jupyter import BIN
from tests.servers import wait_until


def test_nothing_is_sent_before_anybody_said_whose_it_is(product, start_jupyter):
    server = start_jupyter(CELL_MONITOR_URL="", CELL_MONITOR_CONSENT="")
    kernel = server.kernel("unknown.ipynb", "1")
    kernel.run("1", cell=0)
    state = server.state()
    assert state["text"]["code"] == "not-configured"
    assert state["queue"]["waiting"] == 0
    assert product.rows("SELECT * FROM students WHERE email LIKE 'student001%%'") == []


def test_address_and_code_once(product, start_jupyter):
    server = start_jupyter()
    assert product.runs("aoi@example.com") == []
    typed = {"url": product.url, "user_id": "aoi@example.com", "user_name": "山田 葵"}
    server.ask("cell-monitor-lab/connect", "POST", {**typed, "class_code": product.made["code"].lower()})
    kernel = server.kernel("first.ipynb", "6 * 7")
    kernel.run("6 * 7", cell=0)
    assert server.state()["text"]["code"] == "consent-needed"
    assert product.runs("aoi@example.com") == [], "nothing before the yes"
    server.ask("cell-monitor-lab/consent", "POST", {"is_given": True})
    wait_until(lambda: server.state()["device"]["status"] == "active", what="a token")
    kernel.run("6 * 7", cell=0)
    [run] = product.wait_for_runs("aoi@example.com", 1)
    assert (run["output"].strip(), run["is_verified"]) == ("42", True)
    [student] = product.rows("SELECT name FROM students WHERE email = 'aoi@example.com'")
    assert student["name"] == "山田 葵"


def test_a_second_device_waits_for_the_first(product, start_jupyter):
    typed = {"url": product.url, "user_id": "ken@example.com", "class_code": product.made["code"]}
    first, second = start_jupyter(CELL_MONITOR_CONSENT="given"), start_jupyter(CELL_MONITOR_CONSENT="given")
    first.ask("cell-monitor-lab/connect", "POST", typed)
    wait_until(lambda: first.state()["device"]["status"] == "active", what="a token")
    second.ask("cell-monitor-lab/connect", "POST", typed)
    wait_until(lambda: second.state()["device"]["status"] == "waiting", what="the wait", pause=0.1)
    kernel = second.kernel("waits.ipynb", "1")
    kernel.run("1", cell=0)
    wait_until(lambda: second.state()["queue"]["waiting"], what="a queue")
    assert product.runs("ken@example.com") == []
    [row] = product.rows("SELECT id FROM student_tokens WHERE confirmed_at IS NULL AND revoked_at IS NULL")
    product.live.manage("shell", "--no-imports", "-c", CONFIRM.format(row["id"]))
    product.wait_for_runs("ken@example.com", 1, seconds=60)


CONFIRM = """
from django.utils import timezone
from lms.models import StudentToken
StudentToken.objects.filter(pk={}).update(confirmed_at=timezone.now())
"""


def test_the_wheel_comes_from_the_product(product, tmp_path):
    """The command of the set-up page, in an environment of its own; what the wheel needs is there already."""
    code = product.made["code"]
    headers = {"Authorization": f"Student {claimed(product, code)}"}
    wheel = httpx.get(f"{product.url}/api/v1/me", headers=headers).json()["client"]["wheel_url"]
    assert wheel.startswith(product.url), "this copy has a wheel"
    target = tmp_path / "site"
    install = [BIN / "python", "-m", "pip", "install", "--quiet", "--no-deps", "--target", target, wheel]
    subprocess.run(install, check=True, timeout=120)
    assert (target / "cell_monitor_lab/__init__.py").exists()
    assert (target / "etc/jupyter/jupyter_server_config.d/cell_monitor_lab.json").exists()
    assert (target / "share/jupyter/labextensions/cell-monitor-lab/package.json").exists()


def claimed(product, code: str) -> str:
    body = {"class_code": code, "userId": "wheel@example.com", "device": "d"}
    return str(httpx.post(f"{product.url}/api/v1/me/token", json=body).json()["token"])
