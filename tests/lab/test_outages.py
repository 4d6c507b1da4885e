"""The product away, hanging, or killed: what ran meanwhile arrives afterwards, once and in order."""

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
