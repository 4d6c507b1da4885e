"""The copy of their data that a student can download: a zip of JSON files and notebooks."""

import zipfile
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import IO

from classroom.privacy.stored import stored_rows
from core.json_archive import write_rows
from core.json_values import indented
from core.time_formats import moment_text, zone_name
from lms.access import submissions_of
from lms.credential_holders import StudentTokenHolder

ABOUT = """\
What Cell Monitor stores of {email}, as far as it came through this class, as of {now}.

    <name>.json            one file for each kind of data, an object for each row
    notebooks/<id>.ipynb   what was handed in, to open in Jupyter; <id> is that of submissions.json

Not in it: what came through other classes, notes of the staff and records of who looked at what. Ask your school for
these: it makes a copy of everything.

Rows:

"""
IN_MEMORY = 5 * 1024 * 1024  # bytes; a larger copy waits in a file
CHUNK = 500


def write_copy(holder: StudentTokenHolder, *, now: datetime) -> IO[bytes]:
    """Return the zip, opened at its beginning; it is deleted when it is closed. A query a part and chunk."""
    file: IO[bytes] = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the response closes it
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        counted = []
        for part in stored_rows(holder):
            rows = part.rows.order_by("pk").values(*part.columns).iterator(chunk_size=CHUNK)
            counted.append(f"{write_rows(archive, f'{part.name}.json', rows):8}  {part.name}")
        handed_in = submissions_of(holder).exclude(notebook_content=None).order_by("pk")
        for pk, content in handed_in.values_list("pk", "notebook_content").iterator(chunk_size=20):
            archive.writestr(f"notebooks/{pk}.ipynb", indented(content))
        about = ABOUT.format(email=holder.email, now=f"{moment_text(now)} ({zone_name()})")
        archive.writestr("ABOUT.txt", about + "\n".join(counted) + "\n")
    file.seek(0)
    return file
