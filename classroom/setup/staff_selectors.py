"""Select the staff of a class and its open invitations."""

from dataclasses import dataclass
from datetime import datetime

from classroom.setup.models import ClassInvitation
from instructors.models import Instructor
from lms.models import Class, ClassStaff


@dataclass(frozen=True)
class StaffMember:
    account: Instructor
    role: str  # owner, instructor or assistant
    is_self: bool


@dataclass(frozen=True)
class Staff:
    members: list[StaffMember]
    invitations: list[ClassInvitation]

    @property
    def successors(self) -> list[StaffMember]:
        """Return the members to whom the class can be handed over."""
        return [each for each in self.members if each.role == "instructor" and each.account.is_active]


def staff_of(class_ref: Class, *, viewer: Instructor, now: datetime) -> Staff:
    """Return the owner, then instructors, then assistants; and the open invitations. Three queries."""
    members = []
    if (owner := class_ref.instructor) is not None:
        members.append(StaffMember(owner, "owner", owner.pk == viewer.pk))
    rows = ClassStaff.objects.filter(class_ref=class_ref).select_related("instructor")
    for row in rows.order_by("-role", "instructor__name"):
        account = row.instructor
        members.append(StaffMember(account, row.role, account.pk == viewer.pk))
    invitations = ClassInvitation.objects.filter(class_ref=class_ref, closed_at=None, expires_at__gt=now)
    return Staff(members, list(invitations))
