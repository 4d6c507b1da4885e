"""The models of the pages' own data, each declared in the folder of its feature."""

from classroom.analytics.models import AnalyticsReport
from classroom.attention.models import AttentionCase
from classroom.errors.models import Hint, HintRecipient
from classroom.privacy.models import ErasureRequest
from classroom.questions.models import StuckQuestion
from classroom.setup.models import ClassInvitation
from classroom.students.models import StudentNote

__all__ = [
    "AnalyticsReport",
    "AttentionCase",
    "ClassInvitation",
    "ErasureRequest",
    "Hint",
    "HintRecipient",
    "StuckQuestion",
    "StudentNote",
]
