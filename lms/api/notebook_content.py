"""What a student hands in: kept as sent, checked on a copy, receipted by its hash."""

import hashlib
import json
import math
import re
from decimal import Decimal
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from lms.api.base import TooLarge

DEEPEST = 100  # levels of nesting; a notebook has about ten
NEWEST_MINOR = 5
UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # NUL and lone surrogates
REPLACEMENT = "\ufffd"


TEXT = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
OUTPUT = {
    "oneOf": [
        {
            "type": "object",
            "properties": {"output_type": {"enum": ["stream"]}, "name": {"type": "string"}, "text": TEXT},
            "required": ["output_type", "name", "text"],
        },
        {
            "type": "object",
            "properties": {
                "output_type": {"enum": ["display_data"]},
                "data": {"type": "object"},
                "metadata": {"type": "object"},
            },
            "required": ["output_type", "data", "metadata"],
        },
        {
            "type": "object",
            "properties": {
                "output_type": {"enum": ["execute_result"]},
                "execution_count": {"type": "integer", "minimum": 0, "nullable": True},
                "data": {"type": "object"},
                "metadata": {"type": "object"},
            },
            "required": ["output_type", "execution_count", "data", "metadata"],
        },
        {
            "type": "object",
            "properties": {
                "output_type": {"enum": ["error"]},
                "ename": {"type": "string"},
                "evalue": {"type": "string"},
                "traceback": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["output_type", "ename", "evalue", "traceback"],
        },
    ]
}
CELL = {
    "oneOf": [
        {
            "type": "object",
            "properties": {
                "cell_type": {"enum": ["code"]},
                "source": TEXT,
                "outputs": {"type": "array", "items": OUTPUT},
                "execution_count": {"type": "integer", "minimum": 0, "nullable": True},
            },
            "required": ["cell_type", "source"],
        },
        {
            "type": "object",
            "properties": {"cell_type": {"enum": ["markdown", "raw"]}, "source": TEXT},
            "required": ["cell_type", "source"],
        },
    ]
}
SHAPE = {
    "type": "object",
    "nullable": True,
    "description": "A notebook of nbformat 4, in the main; nbformat itself has the last word. Metadata, cell ids,"
    " outputs and counts may be missing. Notebooks of nbformat 3, with their worksheets, are taken too.",
    "properties": {
        "nbformat": {"enum": [4], "default": 4},
        "nbformat_minor": {"type": "integer", "minimum": 0, "default": NEWEST_MINOR},
        "metadata": {"type": "object"},
        "cells": {"type": "array", "items": CELL},
    },
    "required": ["cells"],
}


@extend_schema_field(SHAPE)
class NotebookContent(serializers.JSONField):
    """A notebook as JSON. What comes back equals what was sent, but for characters that PostgreSQL cannot hold."""

    default_error_messages = {
        "invalid": "Input should be a notebook object",
        "deep": f"The notebook is nested more than {DEEPEST} levels deep",
        "number": "The notebook holds a number that is too large",
        "notebook": "This is no valid notebook: {reason}",
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid")
        content: dict[str, Any] = self._storable(data, 0)
        size = len(canonical(content))
        if size > settings.SUBMISSION_BYTES_LIMIT:
            raise TooLarge(
                f"notebook_content is {size} bytes long; the maximum size is {settings.SUBMISSION_BYTES_LIMIT} bytes"
            )
        self._check(content)
        return content

    def _storable(self, value: Any, depth: int) -> Any:
        """Unstorable characters replaced: a student's output may hold them, and the hand-in must not fail for it."""
        if depth > DEEPEST:
            self.fail("deep")
        if isinstance(value, str):
            return UNSTORABLE.sub(REPLACEMENT, value)
        if isinstance(value, dict):
            return {UNSTORABLE.sub(REPLACEMENT, key): self._storable(inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._storable(inner, depth + 1) for inner in value]
        if isinstance(value, float) and not math.isfinite(value):
            self.fail("number")
        return value

    def _check(self, content: dict[str, Any]) -> None:
        version, minor = content.get("nbformat", 4), content.get("nbformat_minor", NEWEST_MINOR)
        if version not in (3, 4) or not isinstance(minor, int) or isinstance(minor, bool) or minor < 0:
            self.fail("notebook", reason="unknown nbformat")
        # Minors from the future share one validator, so that nobody can make us build one for every number.
        # Of nbformat 3 there is one schema, and no other is looked for.
        minor_known = min(minor, NEWEST_MINOR + 1) if version == 4 else 0
        # Not above: what it imports in its turn builds a grammar, which would cost every process and every command of
        # `manage.py` more than a second of its start and 21 MiB. So it costs the first hand-in as much.
        from nbformat import ValidationError as NotANotebook
        from nbformat.validator import get_validator

        validator = get_validator(int(version), minor_known, relax_add_props=True)  # type: ignore[no-untyped-call]
        try:
            validator.validate(filled_in(content, minor=minor))
        except NotANotebook as error:
            self.fail("notebook", reason=error.message[:200])


def filled_in(content: dict[str, Any], *, minor: int) -> dict[str, Any]:
    """A copy in which everything is present that older senders leave out. The original is not touched."""
    copy = {"nbformat": 4, "nbformat_minor": minor, "metadata": {}, **content}
    if isinstance(copy.get("cells"), list):
        copy["cells"] = [
            _filled_in_cell(cell, f"cell-{index}", minor=minor) if isinstance(cell, dict) else cell
            for index, cell in enumerate(copy["cells"])
        ]
    return copy


def _filled_in_cell(cell: dict[str, Any], name: str, *, minor: int) -> dict[str, Any]:
    copy = {"metadata": {}, **cell}
    if minor >= 5:
        copy.setdefault("id", name)
    if cell.get("cell_type") == "code":
        copy.setdefault("outputs", [])
        copy.setdefault("execution_count", None)
    return copy


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
