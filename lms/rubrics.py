"""The rubric of an assignment: its items, those that a grader ticked, and the score that they propose.

A submission holds the ids of its ticked items. Items that were deleted since are left out. A change of the rubric
changes no grade that was given.
"""

from collections.abc import Collection, Iterable

from lms.models import AssignmentSubmission, RubricItem


def rubric_of(assignment_id: int) -> list[RubricItem]:
    """Return the items in their order. One query."""
    return list(RubricItem.objects.filter(assignment=assignment_id))


def proposed_score(items: Iterable[RubricItem], ticked: Collection[int], *, most: float | None) -> float | None:
    """Return the sum of the ticked items, from 0 up to the points of the assignment; None if nothing is ticked."""
    points = [item.points for item in items if item.pk in ticked]
    if not points:
        return None
    score = max(0.0, sum(points))
    return score if most is None else min(score, most)


def ticked_in(submission: AssignmentSubmission) -> tuple[int, ...]:
    """Return the ids of the ticked items."""
    return tuple(submission.ticked_items or ())


def ticked_items(submissions: Iterable[AssignmentSubmission]) -> dict[int, list[RubricItem]]:
    """Return the ticked items of each submission, by its id. One query, none if nothing is ticked."""
    submissions = list(submissions)
    wanted = {number for each in submissions for number in ticked_in(each)}
    items = list(RubricItem.objects.filter(pk__in=wanted)) if wanted else []
    return {each.pk: [item for item in items if item.pk in ticked_in(each)] for each in submissions}
