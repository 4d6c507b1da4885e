"""The grades of an assignment as a table: the columns of the admin site's export, a row for each student."""

from datetime import datetime

from instructors.queries.assignments import works
from instructors.queries.classroom import Room
from lms.export import PlainText, SubmissionResource
from lms.models import AssignmentSubmission, ClassAssignment, Student
from lms.spreadsheets import ENCODING
from lms.submissions import latest

MISSING = "missing"


def grades_csv(room: Room, assignment: ClassAssignment, *, now: datetime) -> bytes:
    """Each student's newest hand-in; who handed in nothing has a row with the status `missing`. Five queries."""
    handed_in = AssignmentSubmission.objects.filter(assignment=assignment)
    rows = latest(handed_in).select_related("assignment__class_ref", "student").defer("notebook_content")
    table = SubmissionResource().export(rows.order_by("student__name", "student__email", "pk"))
    absent = {work.student_id for work in works(room, assignment, now=now) if work.submission is None}
    plain = PlainText()
    for student in Student.objects.filter(pk__in=absent).order_by("name", "email", "pk"):
        known = {
            "class_code": room.class_ref.class_code if room.class_ref else "",
            "assignment": assignment.title,
            "email": student.email,
            "name": student.name,
            "status": MISSING,
        }
        table.append([plain.render(known.get(column, "")) for column in table.headers])
    said: str = table.export("csv")
    return said.encode(ENCODING)
