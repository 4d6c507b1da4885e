"""Alerts from a lesson, and from what people did about it. Pure functions; explained in docs/attention.md."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from classroom.attention.alerts import Alert, Code, Lesson, PriorState, Reason, StudentSignals
from classroom.attention.evidence import Evidence, evidence_of, is_class_problem
from classroom.attention.history import outputs_agree
from classroom.attention.probability import contributions, probability, terms_of
from classroom.attention.ranking import NOT_NEEDED, Part, Score, after_saying_fine, is_backed, order, part_of

GONE = timedelta(minutes=30)  # without a run: the student has left
REASONS = 3  # at most, for one student
COUNTS = 0.25  # log-odds: less than this is no reason
SILENT = 3.0  # minutes without a run after an error: what is said of being at one cell for long
SAYS_LESS = {"at_cell": "tries", "failing_cell": "same_error"}  # than the other: not told beside it
# What an alert is about, by its strongest term. Terms without a code say how sure the rest is.
CODES: dict[str, Code] = {
    "same_error": "repeated_error", "failing_cell": "error_streak", "at_cell": "no_progress", "tries": "no_progress",
    "same_code": "same_code", "going_back": "wandering", "reruns": "wandering", "other_output": "other_output",
    "restarts": "restarts",
}  # fmt: skip


def assess(lesson: Lesson, prior: PriorState, now: datetime) -> list[Alert]:
    """Return all alerts, at most one per student: who asks first, then the firm part, then the rest by urgency."""
    asking = [Alert(pk, "help", since, minutes=_minutes(now - since)) for pk, since in prior.asking.items()]
    asking.sort(key=lambda alert: (alert.since, alert.student_id))
    found: dict[int, Alert] = {}
    scores: list[tuple[Score, Part, bool]] = []
    agree = outputs_agree(lesson.class_)
    for student in lesson.students:
        if student.student_id in prior.asking or now - student.last_run_at > GONE:
            continue
        evidence, likely = _answered(lesson, student, prior)
        said_fine_at = prior.fine.get(student.student_id)
        if said_fine_at:
            likely = after_saying_fine(likely)
        feedback = prior.feedback.get(student.student_id)
        raised = prior.raised + (NOT_NEEDED if feedback and not feedback.was_needed else 0.0)
        backed = is_backed(evidence.tries, evidence.other_outputs, evidence.stalled, outputs_agree=agree)
        part = part_of(likely, prior.shown.get(student.student_id), raised, backed=backed)
        if part is None or is_class_problem(evidence, lesson.class_.now):
            continue
        alert = alert_about(student.student_id, evidence, likely, part, lesson, now)
        found[student.student_id] = replace(alert, said_fine_at=said_fine_at)
        scores.append((Score(student.student_id, likely, evidence.since), part, student.student_id in prior.shown))
    return asking + [found[score.student_id] for score in order(scores)]


def _answered(lesson: Lesson, student: StudentSignals, prior: PriorState) -> tuple[Evidence, float]:
    """Return evidence and probability; of what came later, if somebody answered or resolved the errors."""
    feedback = prior.feedback.get(student.student_id)
    cuts = [moment for moment in (student.resolved_at, feedback.at if feedback else None) if moment]
    if not cuts or max(cuts).timestamp() < student.work.runs[0].at:
        return student.evidence, student.probability
    evidence = evidence_of(student.work, lesson.class_, since=max(cuts).timestamp())
    return evidence, probability(terms_of(evidence))


def alert_about(student_id: int, evidence: Evidence, likely: float, part: Part, lesson: Lesson, now: datetime) -> Alert:
    """Return the alert with its strongest reasons."""
    adds = {name: added for name, added in contributions(terms_of(evidence)).items() if name in CODES}
    for name, better in SAYS_LESS.items():
        if adds[better] >= COUNTS and not (name == "at_cell" and _is_silent(evidence)):
            del adds[name]
    strongest = sorted(adds, key=lambda name: -adds[name])
    told = [name for name in strongest[:REASONS] if adds[name] >= COUNTS] or strongest[:1]
    # What is special about this student first, the general last.
    told.sort(key=lambda name: name == "tries" or (name == "at_cell" and not _is_silent(evidence)))
    reasons = tuple(_reason(name, evidence) for name in told)
    since = datetime.fromtimestamp(evidence.since, UTC)
    return Alert(
        student_id=student_id,
        code=_code(told[0], evidence),
        since=since,
        cell=evidence.cell.position if evidence.cell else None,
        count=reasons[0].count,
        error=evidence.error_name,
        class_cell=lesson.class_cell,
        minutes=_minutes(now - since),
        probability=likely,
        is_firm=part == "firm",
        reasons=reasons,
    )


def _code(term: str, evidence: Evidence) -> Code:
    if term == "at_cell" and _is_silent(evidence):
        return "silent"
    if term == "tries" and 2 * evidence.failures > evidence.tries:
        return "error_streak"
    return CODES[term]


def _reason(term: str, evidence: Evidence) -> Reason:
    if term == "at_cell" and _is_silent(evidence):
        return Reason("silent_after_error", minutes=int(evidence.silent_minutes))
    counts = {
        "tries": evidence.tries, "same_code": evidence.unchanged, "same_error": evidence.same_error + 1,
        "failing_cell": evidence.cell_failures, "at_cell": round(evidence.at_cell), "going_back": evidence.went_back,
        "reruns": evidence.again, "other_output": evidence.other_outputs,
        "restarts": evidence.restarts + evidence.aborted,
    }  # fmt: skip
    return Reason(term, count=counts.get(term, 0), minutes=int(evidence.silent_minutes))


def _is_silent(evidence: Evidence) -> bool:
    return evidence.last_failed and evidence.silent_minutes >= SILENT


def _minutes(length: timedelta) -> int:
    return max(0, int(length.total_seconds())) // 60
