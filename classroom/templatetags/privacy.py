"""Filters about requests for erasure."""

from django import template

from classroom.base.classrooms import Classroom
from classroom.privacy.services import open_requests

register = template.Library()


@register.filter
def open_erasures(classroom: Classroom) -> int:
    """Return how many requests for erasure are open in the class. One query."""
    return open_requests(classroom.class_ref.pk).count() if classroom.class_ref else 0
