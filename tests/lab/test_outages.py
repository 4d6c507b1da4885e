"""The product away, hanging, or killed: what ran meanwhile arrives afterwards, once and in order."""

import time

import pytest

from tests.servers import wait_until


@pytest.fixture(scope="module")
def rei(start_jupyter):
    return start_jupyter("rei@example.com")


def test_two_hundred_runs_while_the_product_is_away(product, rei):
    kernel = rei.kernel("away.ipynb", "1")
    kernel.run("1", cell=0)
    product.wait_for_runs("rei@example.com", 1)
    product.live.web.stop()
    asked = []
    try:
        for _ in range(200):
            asked.append(kernel.execute("1", cell=0))
            kernel.reply(asked[-1])
        wait_until(lambda: rei.state()["queue"]["waiting"] >= 200, what="the queue")
    finally:
        product.live.web.start()
        product.live.wait_until_answers()
    rows = product.wait_for_runs("rei@example.com", 201, seconds=90)
    assert [row["run_id"] for row in rows[1:]] == asked
    assert rei.state()["queue"]["waiting"] == 0


def test_the_web_process_is_killed_twice_under_runs(product, rei):
    kernel = rei.kernel("kills.ipynb", "1")
    before = len(product.runs("rei@example.com"))
    asked = []
    for _ in range(2):
        for _ in range(20):
            asked.append(kernel.execute("1", cell=0))
            kernel.reply(asked[-1])
            time.sleep(0.05)
        product.live.web.kill()
        for _ in range(5):
            asked.append(kernel.execute("1", cell=0))
            kernel.reply(asked[-1])
        product.live.web.start()
        product.live.wait_until_answers()
    rows = product.wait_for_runs("rei@example.com", before + 50, seconds=90)
    assert [row["run_id"] for row in rows[before:]] == asked, "every run once, and in order"
