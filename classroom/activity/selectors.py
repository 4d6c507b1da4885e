"""Select the activity of a classroom in a span of time: by buckets for the chart, and the totals."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from django.db.models import Aggregate, DurationField, ExpressionWrapper, F, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from classroom.activity.buckets import edges_of
from classroom.base.classrooms import Classroom
from classroom.base.recent_ranges import Range, chart
from classroom.base.spans import Span
from events import timeseries
from events.models import HelpRequest


@dataclass(frozen=True, kw_only=True)
class ActivityBucket:
    start: datetime
    end: datetime
    runs: int
    errors: int
    asked: int


@dataclass(frozen=True, kw_only=True)
class ClassroomActivity:
    """The activity in a span of time.

    `wait` is the median time from a help request until an instructor claimed it; an unclaimed request counts until its
    end, or until now. None without help requests.
    """

    buckets: list[ActivityBucket]
    active: int  # students who ran something
    wait: timedelta | None

    @property
    def since(self) -> datetime:
        return self.buckets[0].start

    @property
    def until(self) -> datetime:
        return self.buckets[-1].end

    @property
    def runs(self) -> int:
        return sum(bucket.runs for bucket in self.buckets)

    @property
    def errors(self) -> int:
        return sum(bucket.errors for bucket in self.buckets)

    @property
    def asked(self) -> int:
        return sum(bucket.asked for bucket in self.buckets)

    @property
    def error_percent(self) -> int | None:
        """Return the share of runs with an error; None without runs."""
        return round(100 * self.errors / self.runs) if self.runs else None

    @property
    def is_empty(self) -> bool:
        return not (self.runs or self.asked)


class Median(Aggregate):
    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"


def activity_of(classroom: Classroom, *, span: Range, now: datetime) -> ClassroomActivity:
    """Return the activity of a classroom. Three queries, four for a class; they read the runs of the span by index."""
    students = _students(classroom)
    buckets = [
        ActivityBucket(
            start=(start := datetime.fromisoformat(found["time"])),
            end=start + span.bucket,
            runs=found["executionCount"],
            errors=found["errorCount"],
            asked=found["helpCount"],
        )
        for found in chart(span, students, now, scope=classroom.scope)
    ]
    window = (buckets[0].start, buckets[-1].end)
    done = timeseries.totals(since=window[0], until=window[1], students=students, scope=classroom.scope)
    return ClassroomActivity(buckets=buckets, active=done.active, wait=_median_wait(classroom, *window, now=now))


def activity_between(classroom: Classroom, span: Span, *, now: datetime) -> ClassroomActivity:
    """Return the activity in any span. Three queries, four for a class."""
    edges = edges_of(span, zone=timezone.get_current_timezone())
    counts, active = timeseries.between(edges, students=_students(classroom), scope=classroom.scope)
    buckets = [
        ActivityBucket(start=start, end=end, runs=runs, errors=errors, asked=asked)
        for (start, end), (runs, errors, asked) in zip(pairwise(edges), counts, strict=True)
    ]
    return ClassroomActivity(
        buckets=buckets, active=active, wait=_median_wait(classroom, span.since, span.until, now=now)
    )


def _students(classroom: Classroom) -> list[int] | None:
    """Return the ids of the students of a class; None for all students."""
    return None if classroom.class_ref is None else list(classroom.students.order_by().values_list("pk", flat=True))


def _median_wait(classroom: Classroom, since: datetime, until: datetime, *, now: datetime) -> timedelta | None:
    asked = HelpRequest.objects.filter(classroom.scope.q(), asked_at__gte=since, asked_at__lt=until)
    if classroom.class_ref is not None:
        # A subquery instead of the list of ids, so that PostgreSQL joins.
        asked = asked.filter(student__in=classroom.students.values("pk"))
    found: timedelta | None = asked.aggregate(wait=Median(_wait(now), output_field=DurationField()))["wait"]
    return found


def _wait(now: datetime) -> Combinable:
    answered = Coalesce("claimed_at", "ended_at", Value(now))
    length = ExpressionWrapper(answered - F("asked_at"), output_field=DurationField())
    # The student's clock may be ahead of the server's.
    none = Value(timedelta(0), output_field=DurationField())
    return ExpressionWrapper(Greatest(length, none), output_field=DurationField())
