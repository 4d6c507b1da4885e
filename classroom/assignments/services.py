"""Create and change assignments: store, write the audit log and announce."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from classroom.assignments.forms import AssignmentForm
from instructors import audit
from instructors.models import Instructor
from instructors.rest.parameters import change
from lms.api.notebook_content import receipt
from lms.api.notebooks import name_of_path
from lms.copies import copy_assignments
from lms.models import AssignmentStarter, Class, ClassAssignment, Notebook, RubricItem
from lms.notices import announce_assignment


def save_assignment(form: AssignmentForm, *, class_ref: Class, by: Instructor, request: HttpRequest) -> ClassAssignment:
    """Create or change the assignment of a valid form, and return it."""
    assignment, given = form.assignment, form.cleaned_data
    is_new = assignment is None
    columns = {name: given[name] for name in ("title", "description", "due_date", "points", "weight")}
    with transaction.atomic():
        columns["notebook"] = _notebook(given["notebook"])
        if assignment is None:
            assignment = ClassAssignment.objects.create(class_ref=class_ref, **columns)
        else:
            change(assignment, columns)
        fields = [*columns, *_update_starter(assignment, given["starter"], removes=given["remove_starter"])]
        audit.record(
            "assignment_create" if is_new else "assignment_update",
            assignment,
            actor=by,
            request=request,
            details={"fields": sorted(fields)},
        )
    if is_new:
        announce_assignment(assignment)
    return assignment


def save_rubric(
    assignment: ClassAssignment,
    items: Sequence[dict[str, Any]],
    *,
    removed: Collection[int],
    by: Instructor,
    request: HttpRequest,
) -> None:
    """Change, create and delete items of a rubric. `items` have `number` (the id, None for a new one), `text` and
    `points`, in their order. What somebody else added meanwhile stays."""
    with transaction.atomic():
        existing = {item.pk: item for item in RubricItem.objects.select_for_update().filter(assignment=assignment)}
        for position, each in enumerate(items):
            item = existing.get(each["number"]) or RubricItem(assignment=assignment)
            item.position, item.text, item.points = position, each["text"], each["points"]
            item.save()
        RubricItem.objects.filter(assignment=assignment, pk__in=removed).delete()
        audit.record("assignment_update", assignment, actor=by, request=request, details={"fields": ["rubric"]})


def copy_assignment(
    assignment: ClassAssignment, *, to: Class, days: int, by: Instructor, request: HttpRequest, now: datetime
) -> ClassAssignment:
    """Copy an assignment into a class and announce it there. Raises ImplausibleDate."""
    [made] = copy_assignments([assignment], to=to, days=days, by=by, request=request, now=now)
    announce_assignment(made)
    return made


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
