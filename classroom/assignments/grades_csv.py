"""Export the grades of an assignment as CSV: the columns of the admin site's export, a row for each student.

Times include their UTC offset. Numbers have a decimal point and columns are separated by commas, as English and
Japanese spreadsheets expect; with `decimal_comma` numbers have a comma and columns are separated by semicolons, for
German and French spreadsheets, which read 8.5 as the 8th of May.
"""

from datetime import datetime

from classroom.assignments.selectors import works
from classroom.base.classrooms import Classroom
from lms.export import PlainText, SubmissionResource
from lms.models import AssignmentSubmission, ClassAssignment, Student
from lms.spreadsheets import ENCODING
from lms.submissions import latest

MISSING = "missing"


def _order(student: Student, number: int = 0) -> tuple[bool, str, str, str, int]:
    reading = getattr(student, "reading_key", "")
    return not reading, reading, student.name or "", student.email, number or student.pk


def grades_csv(classroom: Classroom, assignment: ClassAssignment, *, now: datetime, decimal_comma: bool) -> bytes:
    """Return each student's latest submission as CSV; a student without one has the status `missing`. Six queries."""
    handed_in = AssignmentSubmission.objects.filter(assignment=assignment)
    rows = latest(handed_in).select_related("assignment__class_ref", "student").defer("notebook_content")
    # Names and their order are those that the class uses.
    members = {student.pk: student for student in classroom.students}
    handed = sorted(rows, key=lambda each: _order(members.get(each.student_id, each.student), each.pk))
    for each in handed:
        member = members.get(each.student_id)
        each.student = Student(pk=each.student_id, email=each.student.email, name=getattr(member, "name", None))
        each.student_number, each.reading = getattr(member, "student_number", None), getattr(member, "reading", None)  # type: ignore[attr-defined]
    table = SubmissionResource().export(handed)
    absent = {work.student_id for work in works(classroom, assignment, now=now) if work.submission is None}
    plain = PlainText()
    for student in sorted((each for each in members.values() if each.pk in absent), key=_order):
        known = {
            "class_code": classroom.class_ref.class_code if classroom.class_ref else "",
            "assignment": assignment.title,
            "email": student.email,
            "name": student.name,
            "student_number": student.student_number,  # type: ignore[attr-defined]
            "reading": student.reading,  # type: ignore[attr-defined]
            "status": MISSING,
        }
        table.append([plain.render(known.get(column, "")) for column in table.headers])
    if decimal_comma:
        column = table.headers.index("grade")
        for number, row in enumerate(table):
            table[number] = (*row[:column], row[column].replace(".", ","), *row[column + 1 :])
    text: str = table.export("csv", delimiter=";" if decimal_comma else ",")
    return text.encode(ENCODING)
