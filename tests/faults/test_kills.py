"""A few kills; `make faults` kills a hundred times."""

import os

import pytest

from tests.faults import kills
from tests.faults.classroom import Classroom
from tests.faults.conftest import IS_LONG
from tests.faults.product import Product
from tests.migrated import furnish

SEED = int(os.environ.get("FAULT_SEED", "1"))


@pytest.mark.skipif(IS_LONG, reason="the hundred kills of `make faults` contain these")
def test_a_few_kills_under_load_lose_nothing(capsys, migrated):
    product = Product()
    try:
        furnish(product.directory / "data")
        product.start()
        with Classroom(url=product.url, seed=SEED, rate=60) as room:
            report = kills.run(product=product, room=room, kills=4, seed=SEED, kinds=kills.QUICK)
        with capsys.disabled():
            print(f"\n{report.table(room)}")  # noqa: T201
        assert report.verdict.is_good
        assert not report.unrest
    finally:
        product.stop()
