"""Lay out the activity chart: two panels over one time axis, runs with their errors, and help requests.

Horizontal values are in percent of the panel, so that the chart fits every screen and its text keeps its size; vertical
values are in pixels from the top. Pure functions.
"""

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from classroom.activity.selectors import ActivityBucket, ClassroomActivity
from classroom.base.plots import down, scale
from core.time_formats import clock_text, day_text

# Top and height of the panels, in pixels.
RUNS_TOP, RUNS_HEIGHT = 14, 190
HELP_TOP, HELP_HEIGHT = 246, 56
AXIS_TOP = 322
HEIGHT = 336
MAX_LABELS = 7  # of times


@dataclass(frozen=True, kw_only=True)
class Tick:
    at: float  # pixels from the top, or percent from the left
    value: int = 0
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class ChartColumn:
    """One bucket. `left` and `width` are those of the hover area; the bar is narrower."""

    bucket: ActivityBucket
    left: float
    width: float
    bar_left: float
    bar_width: float
    runs_top: float
    runs_height: float
    errors_top: float
    errors_height: float
    middle: float
    help_y: float


@dataclass(frozen=True, kw_only=True)
class Segment:
    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, kw_only=True)
class Chart:
    columns: list[ChartColumn]
    runs_ticks: list[Tick]
    help_ticks: list[Tick]
    times: list[Tick]
    help_line: list[Segment]
    height: int = HEIGHT
    help_bottom: int = HELP_TOP + HELP_HEIGHT
    axis_top: int = AXIS_TOP
    full: int = HELP_TOP + HELP_HEIGHT - RUNS_TOP
    top: int = RUNS_TOP


def chart_of(activity: ClassroomActivity) -> Chart:
    buckets = activity.buckets
    runs = scale(max(bucket.runs for bucket in buckets))
    asked = scale(max(bucket.asked for bucket in buckets), maximum=2)
    columns = [_column(bucket, index, len(buckets), runs[-1], asked[-1]) for index, bucket in enumerate(buckets)]
    every = -(-len(buckets) // MAX_LABELS)
    # The label of a bucket: the time of day, in a chart over days month and day.
    is_long = activity.until - activity.since > timedelta(days=2)
    return Chart(
        columns=columns,
        runs_ticks=[Tick(at=down(value, runs[-1], top=RUNS_TOP, height=RUNS_HEIGHT), value=value) for value in runs],
        help_ticks=[Tick(at=down(value, asked[-1], top=HELP_TOP, height=HELP_HEIGHT), value=value) for value in asked],
        times=[
            Tick(at=column.left, text=day_text(column.bucket.start)[5:] if is_long else clock_text(column.bucket.start))
            for column in columns[::every]
        ],
        help_line=[Segment(x1=a.middle, y1=a.help_y, x2=b.middle, y2=b.help_y) for a, b in pairwise(columns)],
    )


def _column(bucket: ActivityBucket, index: int, count: int, most_runs: int, most_asked: int) -> ChartColumn:
    width = 100 / count
    runs_top = down(bucket.runs, most_runs, top=RUNS_TOP, height=RUNS_HEIGHT)
    errors_top = down(bucket.errors, most_runs, top=RUNS_TOP, height=RUNS_HEIGHT)
    return ChartColumn(
        bucket=bucket,
        left=round(index * width, 3),
        width=round(width, 3),
        bar_left=round((index + 0.15) * width, 3),
        bar_width=round(0.7 * width, 3),
        runs_top=runs_top,
        runs_height=round(RUNS_TOP + RUNS_HEIGHT - runs_top, 2),
        errors_top=errors_top,
        errors_height=round(RUNS_TOP + RUNS_HEIGHT - errors_top, 2),
        middle=round((index + 0.5) * width, 3),
        help_y=down(bucket.asked, most_asked, top=HELP_TOP, height=HELP_HEIGHT),
    )
