"""Export the newest hand-ins of an assignment as the folders that nbgrader collects:
`submitted/<student>/<assignment>/<notebook>.ipynb`, and a `timestamp.txt` beside each notebook.

Names are safe as file names on every system, and for nbgrader, which takes no `+`. A student's folder is the address;
what is not safe in it becomes `_`, and of equal folders each gets the student's number.
"""

import re
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Collection
from datetime import UTC
from tempfile import SpooledTemporaryFile
from typing import IO

from core.json_values import indented
from lms.models import AssignmentSubmission, ClassAssignment, Student
from lms.submissions import latest

IN_MEMORY = 8 * 1024 * 1024  # bytes of a zip, before it is written to disk
LONGEST = 100  # characters of a name
UNSAFE = re.compile(r"[^\w.@ -]")
RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)


def safe_name(text: str, fallback: str) -> str:
    """Return the text as a name of a file or folder."""
    name = UNSAFE.sub("_", unicodedata.normalize("NFC", text))[:LONGEST].strip(" .")
    return f"_{name}" if RESERVED.fullmatch(name) else name or fallback


def student_folders(students: Collection[Student]) -> dict[int, str]:
    """Return the folder of each student, by primary key."""
    names = {each.pk: safe_name(each.email, f"student-{each.pk}") for each in students}
    equal = Counter(name.casefold() for name in names.values())
    return {pk: f"{name}_{pk}" if equal[name.casefold()] > 1 else name for pk, name in names.items()}


def assignment_name(assignment: ClassAssignment) -> str:
    """Return the name that nbgrader probably knows: the folder of the notebook, else the title."""
    folder = assignment.notebook.path.replace("\\", "/").rpartition("/")[0].rpartition("/")[2]
    return safe_name(folder or assignment.title, f"assignment-{assignment.pk}")


def submitted_zip(assignment: ClassAssignment, *, name: str) -> tuple[IO[bytes], int]:
    """Return the zip, at its beginning, and the number of notebooks in it. `name` is that of the assignment's folders.
    Hand-ins without a notebook are left out. Two queries; one notebook at a time is in memory."""
    file_name = assignment.notebook.path.replace("\\", "/").rpartition("/")[2].removesuffix(".ipynb")
    notebook = safe_name(file_name, "notebook")
    newest = latest(AssignmentSubmission.objects.filter(assignment=assignment)).exclude(notebook_content=None)
    folders = student_folders(students_with_work(assignment))
    written: IO[bytes] = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the caller closes it
    count = 0
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in newest.order_by("student").iterator(chunk_size=1):
            folder = f"submitted/{folders[each.student_id]}/{safe_name(name, 'assignment')}"
            content = indented(each.notebook_content)
            archive.writestr(f"{folder}/{notebook}.ipynb", f"{content}\n")
            time = f"{each.submitted_at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f} UTC"
            archive.writestr(f"{folder}/timestamp.txt", f"{time}\n")
            count += 1
    written.seek(0)
    return written, count


def students_with_work(assignment: ClassAssignment) -> list[Student]:
    """Return the students who handed in. One query."""
    handed_in = AssignmentSubmission.objects.filter(assignment=assignment).values("student")
    return list(Student.objects.filter(pk__in=handed_in).only("email").order_by("pk"))
