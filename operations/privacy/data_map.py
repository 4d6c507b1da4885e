"""Tables with texts but without a foreign key to a student, and the personal data that each may have.

A test fails for a table that is neither reached from `Student` nor listed here.
"""

from typing import Literal

# Rows that belong to the person whose address or primary key is in one of these columns (or keys of JSON columns): they
# are exported and deleted; in the person's other texts the name is replaced. An address may consist of digits, so each
# column says what it has. `either`: an address, or a primary key if no student has that address.
Called = Literal["address", "number", "either"]
THEIRS: dict[str, dict[str, Called]] = {
    "events.OfflineQueueEntry": {"user_id": "address"},
    "classroom.AnalyticsReport": {"parameters__student_id": "number"},  # reports of a class or team are shared
    "lms.ProgressNotification": {"recipient_id": "either", "user_id": "address"},
}

# Text columns in which digits are a primary key, not an address.
NUMBERS = {
    "admin.LogEntry": {"object_id"},
    "instructors.AuditLog": {"target_id"},
}

# Contents that rows of students may share: each is deleted with the last row that refers to it.
PARTS = {"lms.StoredNotebook": "a notebook by its digest, of a snapshot"}

# Rows that belong to others and stay; names of the person in their texts are replaced.
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
    "lms.Room": "names that teachers typed",
    "lms.RubricItem": "free texts of teachers to many",
    "lms.SavedComment": "free texts of teachers to many",
    "lms.Seat": "the same, on a seat",
    "lms.Notebook": "paths may hold a home directory, metadata an author",
    "lms.SystemSetting": "free texts of admins",
    "lms.Team": "a team of one may be called after the person",
    "lms.TeamPosition": "the same, on the map",
    "sessions.Session": "a logged-in teacher's last messages; packed, so looked at one by one",
}

# Staff accounts, and tables of fixed words, digests and code names. A student who also teaches keeps the account; it is
# deleted in the admin.
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
    "lms.ClassCode": "random codes",
    "lms.ClassKey": "digests",
    "lms.ClassStaff": "fixed words",
}

# Columns of SHARED tables that name staff, not students.
OF_STAFF = {
    "axes.AccessAttempt": {"ip_address"},
    "instructors.AuditLog": {"actor_email", "ip_address"},
    "lms.ClassroomMap": {"uploaded_by"},
    "lms.TeamPosition": {"updated_by"},
}
