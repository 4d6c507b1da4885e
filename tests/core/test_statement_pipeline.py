"""Statements in pipeline mode: what is read is there, and a refused statement is Django's error at the end."""

import pytest
from django.db import DataError, connection, transaction

from core.postgres import pipelined
from lms.models import Team

INSERT = "INSERT INTO teams (team_key, team_name, description, created_at) VALUES (%s, %s, '', now())"


def insert(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [name, name])


@pytest.mark.django_db(transaction=True)
def test_rows_are_read_where_they_are_fetched():
    with transaction.atomic(), pipelined():
        insert("a")
        with connection.cursor() as cursor:
            cursor.execute("SELECT team_key FROM teams")
            assert cursor.fetchall() == [("a",)]
        insert("b")
    assert set(Team.objects.values_list("team_key", flat=True)) == {"a", "b"}


@pytest.mark.django_db(transaction=True)
def test_a_refused_statement_rolls_everything_back_and_the_connection_goes_on():
    ran = []

    def write() -> None:
        with transaction.atomic(), pipelined():
            for name in ("a", "x" * 10_000, "b"):  # the second is refused, which nobody waits for
                insert(name)
                ran.append(name[0])

    with pytest.raises(DataError):
        write()
    assert ran[:2] == ["a", "x"]  # whether "b" was sent depends on when the refusal comes
    assert not Team.objects.exists()
    insert("c")
    assert Team.objects.count() == 1
