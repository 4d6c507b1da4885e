"""Tables that hold texts but no reference to a student: what each may know of one. A test refuses a table that is
neither reached from `Student` nor named here."""

from typing import Literal

# Rows that belong to the person whose address, or number, stands in one of these columns, or keys of JSON columns:
# exported, then deleted. In the others what names the person is replaced. An address may be a number, and is nobody's
# row number then: each column says which of the two it holds. `either`: an address, and a number only where no
# student has that address.
Called = Literal["address", "number", "either"]
THEIRS: dict[str, dict[str, Called]] = {
    "events.OfflineQueueEntry": {"user_id": "address"},
    "classroom.AnalyticsReport": {"parameters__student_id": "number"},  # of a class or a team they are everybody's
    "lms.ProgressNotification": {"recipient_id": "either", "user_id": "address"},
}

# Columns of texts in which digits are the number of a row: no address, although somebody's may be that number.
NUMBERS = {
    "admin.LogEntry": {"object_id"},
    "instructors.AuditLog": {"target_id"},
}

# Contents that rows of students refer to and may share: each goes with the last row that refers to it.
PARTS = {"lms.StoredNotebook": "a notebook by its digest, of a snapshot"}

# Rows that belong to somebody or something else and stay; what names the person in any of their texts is replaced.
SHARED = {
    "admin.LogEntry": "what admins did names its object",
    "axes.AccessAttempt": "what somebody typed as their e-mail at the login, for minutes",
    "instructors.AuditLog": "who read and changed what of whom",
    "classroom.Hint": "free texts of teachers to many",
    "lms.AssignmentStarter": "what teachers gave out",
    "lms.Cell": "the source that ran last may carry a name in a comment",
    "lms.Class": "free texts of teachers",
    "lms.ClassAssignment": "free texts of teachers",
    "lms.ClassroomMap": "names of files",
    "lms.Notebook": "paths may hold a home directory, metadata an author",
    "lms.SystemSetting": "free texts of admins",
    "lms.Team": "a team of one may be called after the person",
    "lms.TeamPosition": "the same, on the map",
    "sessions.Session": "a logged-in teacher's last messages; packed, so looked at one by one",
}

# Accounts of staff and what is made of fixed words, digests and code names. A student who also teaches keeps the
# account: it is another role, with another way out (the administration).
NOBODYS = {
    "auth.Group": "not used",
    "auth.Permission": "fixed words",
    "axes.AccessAttemptExpiration": "not used",
    "axes.AccessFailureLog": "not used",
    "axes.AccessLog": "not used",
    "contenttypes.ContentType": "fixed words",
    "classroom.ClassInvitation": "addresses of staff",
    "instructors.Instructor": "accounts of staff",
    "instructors.InstructorStatusHistory": "fixed words",
    "instructors.RevokedToken": "digests",
    "lms.ClassKey": "digests",
    "lms.ClassStaff": "fixed words",
}

# Columns of the tables above it that name staff, not students.
OF_STAFF = {
    "axes.AccessAttempt": {"ip_address"},
    "instructors.AuditLog": {"actor_email", "ip_address"},
    "lms.ClassroomMap": {"uploaded_by"},
    "lms.TeamPosition": {"updated_by"},
}
