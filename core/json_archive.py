"""Rows as JSON in a zip, one at a time: a table of any size needs the memory of one row."""

import zipfile
from collections.abc import Iterable
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from core.json_values import indented


def write_rows(archive: zipfile.ZipFile, name: str, rows: Iterable[dict[str, Any]]) -> int:
    """Write the rows as a JSON array, an object each. Return their number."""
    number = 0
    with archive.open(name, "w", force_zip64=True) as file:
        file.write(b"[")
        for row in rows:
            text = indented(row, cls=DjangoJSONEncoder)
            file.write(f"{',' if number else ''}\n{text}".encode())
            number += 1
        file.write(b"\n]\n")
    return number
