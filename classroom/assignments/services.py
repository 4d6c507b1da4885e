"""Create and change assignments: validate the form as the API does, store, write the audit log and announce."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from rest_framework.exceptions import ValidationError

from classroom.base.form_errors import NoNumber, Problems, number_typed, problems_of
from core.identity import number_form
from instructors import audit
from instructors.models import Instructor
from instructors.rest.exceptions import TooLarge
from instructors.rest.parameters import change
from lms.api.assignments import AssignmentFields
from lms.api.notebook_content import NotebookContent, receipt
from lms.api.notebooks import NewNotebook, name_of_path
from lms.models import AssignmentStarter, Class, ClassAssignment, Notebook
from lms.notices import announce_assignment

CONFLICT = re.compile(rb"^<{7}(?: |\r?$)", re.MULTILINE)


@dataclass(kw_only=True)
class AssignmentForm:
    """The submitted text, unchanged, and the problems by field: `title`, `notebook`, `starter`, …"""

    title: str = ""
    description: str = ""
    due_date: str = ""  # the value of a datetime-local input, in the time zone of the pages
    points: str = ""
    notebook: str = ""  # its path
    problems: Problems = field(default_factory=dict)

    @classmethod
    def of(cls, assignment: ClassAssignment) -> AssignmentForm:
        due, points = assignment.due_date, assignment.points
        return cls(
            title=assignment.title,
            description=assignment.description or "",
            due_date=timezone.localtime(due).replace(tzinfo=None).isoformat(timespec="minutes") if due else "",
            points="" if points is None else f"{points:g}",
            notebook=assignment.notebook.path,
        )

    @classmethod
    def typed(cls, typed: Any) -> AssignmentForm:
        names = ("title", "description", "due_date", "points", "notebook")
        return cls(**{name: typed.get(name, "").replace("\r\n", "\n") for name in names})

    def checked(self) -> dict[str, Any]:
        """Return the validated columns except class and notebook, and add what is wrong to `problems`."""
        data = {
            "class_id": 0,
            "notebook_id": 0,
            "title": self.title.strip(),
            "description": self.description or None,
            "due_date": number_form(self.due_date).replace("/", "-") or None,
            "points": None,
        }
        try:
            data["points"] = number_typed(self.points)
        except NoNumber as problem:
            self.problems["points"] = str(problem) or gettext("Type a number such as 10 or 7.5, or leave it empty.")
        serializer = AssignmentFields(data=data, context={"is_page": True})
        path = NewNotebook(data={"path": self.notebook.strip()})
        if not path.is_valid():
            self.problems["notebook"] = problems_of(path)["path"]
        if not serializer.is_valid():
            self.problems |= problems_of(serializer)
            if any(problem.code not in ("year", "gap") for problem in serializer.errors.get("due_date", [])):
                self.problems["due_date"] = gettext("This is no date and time. Choose one, or leave it empty.")
        fields: dict[str, Any] = serializer.validated_data if not self.problems else {}
        if (fields.get("points") or 0) < 0:
            self.problems["points"] = gettext("Points cannot be less than 0.")
        return {name: fields[name] for name in ("title", "description", "due_date", "points") if name in fields}


def read_starter(upload: UploadedFile[Any] | None, problems: Problems) -> dict[str, Any] | None:
    """Return the notebook in an uploaded file; None without a file or if it is not valid, which `problems` explains."""
    if upload is None:
        return None
    if (upload.size or 0) > settings.SUBMISSION_BYTES_LIMIT * 2:  # a file has additional whitespace
        problems["starter"] = gettext("This file is too large. Clear the outputs of the notebook and save it again.")
        return None
    file = upload.read()
    try:
        content: dict[str, Any] = NotebookContent().run_validation(json.loads(text_of_file(file)))
        return content
    except TooLarge:
        problems["starter"] = gettext("This file is too large. Clear the outputs of the notebook and save it again.")
    except ValidationError as error:
        problems["starter"] = why_refused(str(error.get_codes()[0]))  # type: ignore[index]
    except (ValueError, RecursionError) as error:  # no JSON, or no text
        problems["starter"] = what_it_is(file, error)
    return None


def why_refused(code: str) -> str:
    """Return the message for an error code of lms.api.notebook_content."""
    if code == "deep":
        return gettext("This notebook is nested too deeply. Clear its outputs and save it again.")
    if code == "version":
        return gettext("This notebook has a format that is not known here. Save it in JupyterLab and choose that file.")
    return gettext("This is no notebook: the file holds JSON, but no cells. Choose a file that ends in .ipynb.")


def text_of_file(file: bytes) -> str:
    """Decode a JSON file: UTF-8, or UTF-16 or UTF-32 if its first bytes say so. Raises UnicodeDecodeError."""
    return file.decode(json.detect_encoding(file)).removeprefix("\ufeff")


def what_it_is(file: bytes, error: Exception) -> str:
    """Return a message that says why a file that is not JSON is not a notebook, and what to do."""
    start = file[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        return gettext("This file is empty. Save the notebook in JupyterLab and choose that file.")
    if start.startswith((b"pk\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"rar!")):
        return gettext("This is a packed file. Unpack it, and choose the notebook in it, a file that ends in .ipynb.")
    if start.startswith(b"%pdf"):
        return gettext("This is a PDF. Choose the notebook itself, a file that ends in .ipynb.")
    if start.startswith(b"<") and not start.startswith(b"<<<<<<<"):
        return gettext(
            "This is a web page that was saved under the name of a notebook. Download the notebook itself, for instance"
            " with “Raw” or “Download”, and choose that file."
        )
    if CONFLICT.search(file):
        return gettext(
            "This notebook holds a merge conflict of Git (lines that begin with <<<<<<<). Resolve the conflict, open"
            " the notebook in JupyterLab, save it and choose it again."
        )
    if isinstance(error, UnicodeDecodeError):
        return gettext(
            "This is no notebook, or its text is damaged. Save the notebook in JupyterLab and choose that file."
        )
    if isinstance(error, json.JSONDecodeError) and start.startswith(b"{") and is_cut(error):
        return gettext("This notebook is cut short: its end is missing. Copy or download it again and choose it.")
    return gettext("This is no notebook. Choose a file that ends in .ipynb.")


def is_cut(error: json.JSONDecodeError) -> bool:
    """Return whether the JSON is only truncated."""
    return error.msg.startswith("Unterminated string") or error.pos >= len(error.doc.rstrip())


def save_assignment(
    assignment: ClassAssignment | None,
    form: AssignmentForm,
    *,
    class_ref: Class,
    upload: UploadedFile[Any] | None,
    removes_starter: bool,
    by: Instructor,
    request: HttpRequest,
) -> ClassAssignment | None:
    """Create or change an assignment and return it; return None and write nothing if `form.problems` is not empty."""
    columns = form.checked()
    starter = read_starter(upload, form.problems)
    if form.problems:
        return None
    is_new = assignment is None
    if assignment is not None and form.due_date == AssignmentForm.of(assignment).due_date:
        columns["due_date"] = assignment.due_date  # the form shows minutes, the row may have seconds
    with transaction.atomic():
        columns["notebook"] = _notebook(form.notebook.strip())
        if assignment is None:
            assignment = ClassAssignment.objects.create(class_ref=class_ref, **columns)
        else:
            change(assignment, columns)
        fields = [*columns, *_update_starter(assignment, starter, removes=removes_starter)]
        audit.record(
            action="assignment_create" if is_new else "assignment_update",
            actor=by,
            request=request,
            target_type=assignment._meta.model_name,
            target_id=assignment.pk,
            details={"fields": sorted(fields)},
        )
    if is_new:
        announce_assignment(assignment)
    return assignment


def _notebook(path: str) -> Notebook:
    """Return the notebook with this path, or create it."""
    return Notebook.objects.get_or_create(path=path, defaults={"name": name_of_path(path)})[0]


def _update_starter(assignment: ClassAssignment, content: dict[str, Any] | None, *, removes: bool) -> list[str]:
    """Replace or delete the starter and return the changed fields. A new file takes precedence over `removes`."""
    if content is not None:
        columns = {"content": content, "content_sha256": receipt(content), "uploaded_at": timezone.now()}
        AssignmentStarter.objects.update_or_create(assignment=assignment, defaults=columns)
    elif removes:
        AssignmentStarter.objects.filter(assignment=assignment).delete()
    return ["starter"] if content is not None or removes else []
