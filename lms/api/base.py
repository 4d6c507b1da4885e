"""The base class of views about classes and students: the viewer, and audit records of reads."""

from typing import ClassVar, cast

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotFound

from instructors import audit
from instructors.rest.views import ApiView as AccountApiView
from lms.access import ANYONE, User, find_student
from lms.api.authentication import StudentTokenAuthentication
from lms.credential_holders import ClassKeyHolder, StudentTokenHolder
from lms.models import Student


class ApiView(AccountApiView):
    key_methods: ClassVar[frozenset[str]] = frozenset()  # that accept a class key
    token_methods: ClassVar[frozenset[str]] = frozenset()  # that accept a student token
    holder: ClassKeyHolder | StudentTokenHolder | None = None  # the permissions in lms.api.permissions set it

    def get_authenticators(self) -> list[BaseAuthentication]:
        ours = super().get_authenticators()
        return [*ours, StudentTokenAuthentication()] if self.token_methods else ours

    @property
    def viewer(self) -> User:
        """Return the user whose rights apply: the holder of a student token or class key if one was sent, else the
        caller, or ANYONE while no login is required."""
        if self.holder is not None:
            return self.holder
        return cast(User, self.request.user) if self.is_login_needed() else ANYONE

    def find_student(self, email: str) -> Student:
        """Return the student with this e-mail, in any spelling. One query. Raises NotFound also without access."""
        found = find_student(self.viewer, email)
        if found is None:
            raise NotFound("Student not found")
        return found

    def find_recorded(self, email: str) -> Student:
        """Return the student and record the access in the audit log. Raises NotFound."""
        found = self.find_student(email)
        self.record_view(found.pk)
        return found

    def record_view(self, student_id: int | None) -> None:
        """Record in the audit log that a logged-in account reads one student's data. One insert.

        Call it before the response is sent. Reads with a class key or student token, and those of anonymous callers
        while no login is required, are not recorded.
        """
        caller = self.caller
        if caller is not None and self.holder is None and student_id is not None:
            audit.record(
                "student_view",
                actor=caller,
                request=self.request,
                target_type="student",
                target_id=student_id,
                details={"of": self.action},
            )
