"""Select the activity of a classroom in a span of time: by buckets for the chart, and the totals."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Aggregate, DurationField, ExpressionWrapper, F, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Greatest

from classroom.base.classrooms import Classroom
from classroom.dashboard.selectors import Range, chart
from events import timeseries
from events.models import HelpRequest


@dataclass(frozen=True, kw_only=True)
class Bucket:
    start: datetime
    end: datetime
    runs: int
    errors: int
    asked: int


@dataclass(frozen=True, kw_only=True)
class Activity:
    """The activity in a span of time.

    `wait` is the median time from a help request until an instructor claimed it; an unclaimed request counts until its
    end, or until now. None without help requests.
    """

    span: Range
    buckets: list[Bucket]
    active: int  # students who ran something
    wait: timedelta | None

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


def activity_of(classroom: Classroom, *, span: Range, now: datetime) -> Activity:
    """Return the activity of a classroom. Three queries, four for a class; they read the runs of the span by index."""
    of_class = classroom.class_ref is not None
    students = list(classroom.students.order_by().values_list("pk", flat=True)) if of_class else None
    buckets = [
        Bucket(
            start=(start := datetime.fromisoformat(found["time"])),
            end=start + span.bucket,
            runs=found["executionCount"],
            errors=found["errorCount"],
            asked=found["helpCount"],
        )
        for found in chart(span, students, now, scope=classroom.scope)
    ]
    window = (buckets[0].start, buckets[-1].end)
    asked = HelpRequest.objects.filter(classroom.scope.q(), asked_at__gte=window[0], asked_at__lt=window[1])
    if of_class:
        # A subquery instead of the list of ids, so that PostgreSQL joins.
        asked = asked.filter(student__in=classroom.students.values("pk"))
    done = timeseries.totals(since=window[0], until=window[1], students=students, scope=classroom.scope)
    waited = asked.aggregate(wait=Median(_wait(now), output_field=DurationField()))
    return Activity(span=span, buckets=buckets, active=done.active, wait=waited["wait"])


def _wait(now: datetime) -> Combinable:
    answered = Coalesce("claimed_at", "ended_at", Value(now))
    length = ExpressionWrapper(answered - F("asked_at"), output_field=DurationField())
    # The student's clock may be ahead of the server's.
    none = Value(timedelta(0), output_field=DurationField())
    return ExpressionWrapper(Greatest(length, none), output_field=DurationField())
