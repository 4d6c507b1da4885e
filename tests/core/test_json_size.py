"""A body is not parsed if it would become more values than it has room for; what stands in strings is none of them."""

import json

import pytest

from core import json_size
from core.json_size import MAX_CONTAINERS, MAX_VALUES, TooManyValues, refuse_too_many_values

MANY = MAX_CONTAINERS + 1


def listed(item: bytes, number: int) -> bytes:
    return b"[" + b",".join([item] * number) + b"]"


@pytest.mark.parametrize(
    "text",
    [
        listed(b"[]", MANY),
        listed(b"{}", MANY),
        listed(b'{"":0}', MANY),
        listed(b"0", MAX_VALUES + 1),
        listed(b'""', MAX_VALUES + 1),
        b"{" + listed(b'"a":0', MAX_VALUES + 1)[1:-1] + b"}",
        # A quote inside a string, and a backslash before its end, hide nothing behind them.
        rb'["\"",' + listed(b"[]", MANY) + b"]",
        rb'["\\",' + listed(b"[]", MANY) + b"]",
        rb'["\\\"",' + listed(b"[]", MANY) + b"]",
        b'["' + b"x" * json_size.CHUNK + b'",' + listed(b"[]", MANY) + b"]",
    ],
)
def test_too_many_values_are_refused(text):
    with pytest.raises(TooManyValues, match=str(MAX_CONTAINERS)):
        refuse_too_many_values(text)


@pytest.mark.parametrize(
    "text",
    [
        listed(b"[]", MAX_CONTAINERS - 1),
        listed(b"0", MAX_VALUES - 2),
        b'["' + b"[{,}]" * MANY + b'"]',
        json.dumps(['"[{' * MANY, "\\", "[" * MANY, "," * MAX_VALUES]).encode(),
        json.dumps(['"[[]' * 20] * (MAX_CONTAINERS // 20)).encode(),
        ('["' + "é[" * MANY + '"]').encode(),
    ],
)
def test_what_is_in_strings_is_not_counted(text):
    refuse_too_many_values(text)
