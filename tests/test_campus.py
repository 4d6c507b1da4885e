"""docs/campus.md says what benchmarks/campus.py computes from the results."""

from benchmarks import campus


def test_the_page_has_the_computed_tables():
    page = campus.PAGE.read_text()
    assert campus.renewed(page) == page, "python -m benchmarks.campus --write"


def test_ten_times_the_students_are_ten_times_the_load():
    costs = campus.measured()
    small, large = campus.need(5_000, costs), campus.need(50_000, costs)
    assert round(large.events / small.events, 6) == 10
    assert round(large.storage / small.storage, 6) == 10
    assert small.cores <= large.cores <= 10 * small.cores, "whole cores are rounded up once, not ten times"
    assert round(large.busy["web"] / small.busy["web"], 6) == 10


def test_the_costs_are_those_of_the_results():
    costs = campus.measured()
    rows = {row["name"]: row["value"] for row in campus._rows(campus.RUN)}
    assert costs.event["web"] == rows["posts of 1: web"] / 10_000
    assert 500 < costs.row < 3_000
    assert costs.dashboard > 0
