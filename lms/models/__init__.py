"""Models of people, classes and course material. Columns as in docs/contract/models.md."""

from lms.models.assignments import AssignmentStarter, AssignmentSubmission, ClassAssignment, DueDateExtension
from lms.models.classes import Class, ClassKey, ClassStaff, StudentClass
from lms.models.environments import EnvironmentAnalysis, EnvironmentSnapshot
from lms.models.maps import ClassroomMap, TeamPosition
from lms.models.notebooks import Cell, Notebook
from lms.models.notifications import ProgressNotification
from lms.models.people import ClassStudent, Session, Student, StudentActivity, StudentAddress, Team
from lms.models.rooms import Room, Seat, SeatAssignment
from lms.models.rubrics import RubricItem, SavedComment
from lms.models.settings import SystemSetting
from lms.models.tokens import ClassCode, StudentToken
from lms.models.versions import (
    NotebookBranch,
    NotebookHistory,
    NotebookSnapshot,
    NotebookVersion,
    StoredNotebook,
)

__all__ = [
    "AssignmentStarter",
    "AssignmentSubmission",
    "Cell",
    "Class",
    "ClassAssignment",
    "ClassCode",
    "ClassKey",
    "ClassStaff",
    "ClassStudent",
    "ClassroomMap",
    "DueDateExtension",
    "EnvironmentAnalysis",
    "EnvironmentSnapshot",
    "Notebook",
    "NotebookBranch",
    "NotebookHistory",
    "NotebookSnapshot",
    "NotebookVersion",
    "ProgressNotification",
    "Room",
    "RubricItem",
    "SavedComment",
    "Seat",
    "SeatAssignment",
    "Session",
    "StoredNotebook",
    "Student",
    "StudentActivity",
    "StudentAddress",
    "StudentClass",
    "StudentToken",
    "SystemSetting",
    "Team",
    "TeamPosition",
]
