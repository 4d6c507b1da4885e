"""Rows as JSON in a zip, one at a time: a table of any size needs the memory of one row."""

import json
import zipfile
from collections.abc import Iterable
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder


def write_rows(archive: zipfile.ZipFile, name: str, rows: Iterable[dict[str, Any]]) -> int:
    """Write the rows as a JSON array, an object each. Return their number."""
    number = 0
    with archive.open(name, "w", force_zip64=True) as file:
        file.write(b"[")
        for row in rows:
            text = json.dumps(row, ensure_ascii=False, indent=1, cls=DjangoJSONEncoder)
            file.write(f"{',' if number else ''}\n{text}".encode())
            number += 1
        file.write(b"\n]\n")
    return number
