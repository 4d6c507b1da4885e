"""The field for notebook contents: validated to be a notebook, stored as sent, with a hash as the receipt."""

import hashlib
import json
import math
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
SCHEMA = {
    "type": "object",
    "nullable": True,
    "description": "A notebook as Jupyter saves it, of nbformat 4 or older. Only a list of cells is required; other"
    " deviations from the format are stored as sent and read leniently.",
    "properties": {"nbformat": {"enum": [4], "default": 4}, "cells": CELLS},
    "required": ["cells"],
}

LARGE = 2.0**53  # from here on every float is whole


class NotebookParser(GzipJSONParser):
    """JSON as Python writes it, with NaN and Infinity. The other fields refuse these values."""

    strict = False


@extend_schema_field(SCHEMA)
class NotebookContent(serializers.JSONField):
    """A notebook as JSON. The value equals what was sent, except for what JSON in PostgreSQL cannot store: such
    characters are replaced, and NaN and Infinity become null.

    It is not validated against nbformat's schema: programs write notebooks that break it and Jupyter opens them, and a
    submission must not be lost for that. Read one through lms.notebooks.cells, which repairs it.
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
        size = _digits(content)
        if size <= settings.SUBMISSION_BYTES_LIMIT:
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
    """Return canonical JSON: sorted keys, no blanks, UTF-8, whole numbers without a fraction. Equal values give equal
    bytes."""
    return json.dumps(
        _whole_as_int(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def _digits(value: Any) -> int:
    """Return how many digits the large floats have in canonical JSON: of 1e308, five characters as sent, 309."""
    if isinstance(value, float):
        return int(math.log10(abs(value))) + 1 if abs(value) >= LARGE else 0
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(map(_digits, inner))


def _whole_as_int(value: Any) -> Any:
    """Replace whole floats by integers, exactly: PostgreSQL stores 1e2 as 100, which is equal but another text."""
    if isinstance(value, float) and value.is_integer():
        return int(Decimal(repr(value)))
    if isinstance(value, dict):
        return {key: _whole_as_int(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole_as_int(inner) for inner in value]
    return value


def receipt(content: dict[str, Any] | None) -> str | None:
    """Return the SHA-256 of the canonical JSON. With it a student can prove later what was handed in."""
    return None if content is None else hashlib.sha256(canonical(content)).hexdigest()
