"""The grades of an assignment as a table: the columns of the admin site's export, a row for each student.

Times name their distance from UTC. Numbers have a decimal point and columns a comma between them, as spreadsheets and
programs read them in English and Japanese; with `decimal_comma` numbers have a comma and columns a semicolon, as a
spreadsheet in German or French wants them: it reads 8.5 as the 8th of May.
"""

from datetime import datetime

from classroom.assignments.selectors import works
from classroom.base.classrooms import Classroom
from lms.export import PlainText, SubmissionResource
from lms.models import AssignmentSubmission, ClassAssignment, Student
from lms.spreadsheets import ENCODING
from lms.submissions import latest

MISSING = "missing"


def _order(student: Student, number: int = 0) -> tuple[str, str, int]:
    return student.name or "", student.email, number or student.pk


def grades_csv(
    classroom: Classroom, assignment: ClassAssignment, *, now: datetime, decimal_comma: bool = False
) -> bytes:
    """Each student's newest hand-in; who handed in nothing has a row with the status `missing`. Five queries."""
    handed_in = AssignmentSubmission.objects.filter(assignment=assignment)
    rows = latest(handed_in).select_related("assignment__class_ref", "student").defer("notebook_content")
    # Names are those of the class, and so is their order.
    called = {student.pk: student for student in classroom.students}
    handed = sorted(rows, key=lambda each: _order(called.get(each.student_id, each.student), each.pk))
    for each in handed:
        each.student = Student(
            pk=each.student_id, email=each.student.email, name=getattr(called.get(each.student_id), "name", None)
        )
    table = SubmissionResource().export(handed)
    absent = {work.student_id for work in works(classroom, assignment, now=now) if work.submission is None}
    plain = PlainText()
    for student in sorted((each for each in called.values() if each.pk in absent), key=_order):
        known = {
            "class_code": classroom.class_ref.class_code if classroom.class_ref else "",
            "assignment": assignment.title,
            "email": student.email,
            "name": student.name,
            "status": MISSING,
        }
        table.append([plain.render(known.get(column, "")) for column in table.headers])
    if decimal_comma:
        at = table.headers.index("grade")
        for number, row in enumerate(table):
            table[number] = (*row[:at], row[at].replace(".", ","), *row[at + 1 :])
    said: str = table.export("csv", delimiter=";" if decimal_comma else ",")
    return said.encode(ENCODING)
