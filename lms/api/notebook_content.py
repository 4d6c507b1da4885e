"""What a student hands in: kept as sent, looked at only as far as it must be a notebook, receipted by its hash."""

import hashlib
import json
from decimal import Decimal
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.json_values import MAX_DEPTH, TooDeep, storable
from instructors.rest.exceptions import TooLarge
from instructors.rest.parsers import GzipJSONParser
from lms.notebooks.cells import NEWEST, has_cells, version_of

CELLS = {"type": "array", "items": {"type": "object"}}
SHAPE = {
    "type": "object",
    "nullable": True,
    "description": "A notebook as Jupyter saves it, of nbformat 4 or older. What it needs is a list of cells; what else"
    " is missing or odd in it is kept as it was sent, and read as well as it can be.",
    "properties": {"nbformat": {"enum": [4], "default": 4}, "cells": CELLS},
    "required": ["cells"],
}


class NotebookParser(GzipJSONParser):
    """JSON as Python writes it: with NaN and Infinity, of which fields of other kinds say that they are no value."""

    strict = False


@extend_schema_field(SHAPE)
class NotebookContent(serializers.JSONField):
    """A notebook as JSON. What comes back equals what was sent, but for what JSON in PostgreSQL cannot hold: characters
    that are replaced, and numbers that are none (NaN, Infinity), which become null.

    It is not held to nbformat's schema: programs write notebooks that break it, Jupyter opens them, and a hand-in must
    not be lost for that. Whoever reads one goes through lms.notebooks.cells, which repairs what it is given.
    """

    default_error_messages = {
        "invalid": "Input should be a notebook object: what an .ipynb file holds, as JSON",
        "deep": f"The notebook is nested more than {MAX_DEPTH} levels deep; clear its outputs and send it again",
        "notebook": "This is no valid notebook: it has no list of cells; send what an .ipynb file holds",
        "version": f"This is no valid notebook: unknown nbformat {{said}}; save it as nbformat {NEWEST}",
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid")
        try:
            content: dict[str, Any] = storable(data)
        except TooDeep:
            self.fail("deep")
        size = len(canonical(content))
        if size > settings.SUBMISSION_BYTES_LIMIT:
            raise TooLarge(
                f"notebook_content is {size} bytes long; the maximum size is {settings.SUBMISSION_BYTES_LIMIT} bytes"
            )
        self._check(content)
        return content

    def _check(self, content: dict[str, Any]) -> None:
        if not has_cells(content):
            self.fail("notebook")
        if version_of(content) is None:
            self.fail("version", said=str(content["nbformat"])[:20])


def canonical(content: Any) -> bytes:
    """One text for equal JSON: keys in order, no blanks, UTF-8, whole numbers without a fraction."""
    return json.dumps(
        _plain_numbers(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def _plain_numbers(value: Any) -> Any:
    """PostgreSQL keeps 1e2 as 100: equal, but another text. Exact for every float."""
    if isinstance(value, float) and value.is_integer():
        return int(Decimal(repr(value)))
    if isinstance(value, dict):
        return {key: _plain_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain_numbers(inner) for inner in value]
    return value


def receipt(content: dict[str, Any] | None) -> str | None:
    """The SHA-256 by which a student can show later what was handed in."""
    return None if content is None else hashlib.sha256(canonical(content)).hexdigest()
