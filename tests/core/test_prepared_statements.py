"""Statements are planned for their values; only a block that repeats its own has them prepared."""

import pytest
from django.db import connection

from core.postgres import PREPARE_AFTER, fetch_all, prepared_statements

OFTEN = 3 * PREPARE_AFTER


def prepared() -> list[str]:
    return [statement for (statement,) in fetch_all("SELECT statement FROM pg_prepared_statements")]


@pytest.fixture
def new_connection(transactional_db: None) -> None:
    """Nothing is prepared on it."""
    connection.close()


@pytest.mark.usefixtures("new_connection")
def test_only_what_the_block_repeats_is_prepared():
    with prepared_statements():
        for number in range(OFTEN):
            assert fetch_all("SELECT %s::int", [number]) == [(number,)]
    for number in range(OFTEN):
        assert fetch_all("SELECT %s::bigint", [number]) == [(number,)]
    assert len(prepared()) == 1
    assert "int" in prepared()[0]


@pytest.mark.usefixtures("new_connection")
def test_a_statement_that_is_prepared_is_planned_for_its_values_after_the_block():
    with prepared_statements():
        for number in range(OFTEN):
            fetch_all("SELECT %s::int", [number])
    uses = "SELECT generic_plans + custom_plans FROM pg_prepared_statements"
    before = fetch_all(uses)
    fetch_all("SELECT %s::int", [1])
    assert fetch_all(uses) == before


@pytest.mark.usefixtures("new_connection")
def test_a_broken_connection_in_the_block_is_the_error_that_is_raised():
    def lose() -> None:
        with prepared_statements():
            connection.close()
            raise ValueError("of the block")

    with pytest.raises(ValueError, match="of the block"):
        lose()
    assert fetch_all("SELECT 1") == [(1,)]
