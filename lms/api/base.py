"""What the endpoints about classes and students share: whose data a caller may see, and who reads it."""

from typing import ClassVar, cast

from instructors import audit
from instructors.rest.views import ApiView as AccountApiView
from lms.access import ANYONE, KeyHolder, User


class ApiView(AccountApiView):
    key_methods: ClassVar[frozenset[str]] = frozenset()
    holder: KeyHolder | None = None  # set by lms.api.permissions

    @property
    def viewer(self) -> User:
        """Through whose rights data is read: a class key's, which narrows whatever else would be open; else the
        caller's, or anyone's while no login is required."""
        if self.holder is not None:
            return self.holder
        return cast(User, self.request.user) if self.is_login_needed() else ANYONE

    def record_view(self, student_id: int | None) -> None:
        """Write into the audit log that a logged-in account reads one student's data. One insert.

        Call it before the answer. What a student's own side reads with a class key, and what anybody reads while no
        login is required, is not recorded.
        """
        caller = self.caller
        if caller is not None and self.holder is None and student_id is not None:
            audit.record(
                action="student_view",
                actor=caller,
                request=self.request,
                target_type="student",
                target_id=student_id,
                details={"of": self.action},
            )
