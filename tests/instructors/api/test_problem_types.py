"""The `type` of a problem in a 422: one vocabulary, whoever found the problem."""

import re

import pytest
from rest_framework import fields, relations, serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from config.errors import TYPES, api_exception
from instructors.rest.exceptions import KINDS
from tests.servers import ROOT

CODES = {
    code
    for module in (fields, relations, serializers)
    for found in vars(module).values()
    if isinstance(found, type)
    for code in getattr(found, "default_error_messages", {})
} | {"min_length", "max_length", "min_value", "max_value", "year", "gap", "overflow", "something_of_a_later_version"}


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_a_word_of_the_vocabulary(code):
    answer = api_exception(ValidationError({"name": [ErrorDetail("no", code=code)]}), {})
    [problem] = answer.data["detail"]
    assert problem["type"] in KINDS
    assert problem["loc"] == ["body", "name"]


def test_the_vocabulary_is_the_contracts():
    line = next(
        line
        for line in (ROOT / "docs/contract/http.md").read_text().splitlines()
        if line.startswith("| `type` of a problem")
    )
    named = re.search(r"one of `([^`]+)`", line)
    assert named
    assert tuple(named[1].split(", ")) == KINDS
    assert set(TYPES.values()) <= set(KINDS)


def test_every_kind_in_the_code_is_of_the_vocabulary():
    raised = re.compile(r'Unprocessable\(\s*(?:[^()"]|"[^"]*"|\[[^\]]*\])*?,\s*"([a-z_]+)"\s*\)')
    found = {
        kind
        for folder in ("classroom", "instructors", "lms", "events")
        for file in (ROOT / folder).rglob("*.py")
        for kind in raised.findall(file.read_text())
    }
    assert {"missing", "int_parsing", "dict_type"} <= found <= set(KINDS)
