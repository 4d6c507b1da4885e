"""SQL of `lms.merging` for tables in which two merged students may both have a row where one may have one.

Each reads a temporary table `merged (old, kept)`. Tables of other packages are named by their names, as in migrations:
a merge is one transaction over all of them.
"""
# ruff: noqa: S608  (only constants of this file are put together)

INVOLVED = "(SELECT old FROM merged UNION SELECT kept FROM merged)"

SESSIONS = (
    f"""CREATE TEMP TABLE merged_sessions ON COMMIT DROP AS
        SELECT id AS old, kept FROM (
            SELECT s.id, first_value(s.id) OVER (
                PARTITION BY coalesce(m.kept, s.student_id), s.session_id, s.class_id ORDER BY s.id) AS kept
            FROM sessions s LEFT JOIN merged m ON m.old = s.student_id WHERE s.student_id IN {INVOLVED}) AS placed
        WHERE id <> kept""",
    """UPDATE sessions s SET start_time = least(s.start_time, k.start_time), is_active = s.is_active OR k.is_active,
           end_time = CASE WHEN s.is_active OR k.is_active THEN NULL ELSE greatest(s.end_time, k.end_time) END,
           last_event_at = greatest(s.last_event_at, k.last_event_at),
           ip_address = coalesce(s.ip_address, k.ip_address), user_agent = coalesce(s.user_agent, k.user_agent)
       FROM (SELECT m.kept, min(o.start_time) AS start_time, bool_or(o.is_active) AS is_active,
                 max(o.end_time) AS end_time, max(o.last_event_at) AS last_event_at,
                 max(o.ip_address) AS ip_address, max(o.user_agent) AS user_agent
             FROM merged_sessions m JOIN sessions o ON o.id = m.old GROUP BY m.kept) AS k
       WHERE s.id = k.kept""",
    # No index leads from a session to its executions, but one from its student.
    f"""UPDATE cell_executions e SET session_id = m.kept FROM merged_sessions m
        WHERE e.session_id = m.old AND e.student_id IN {INVOLVED}""",
    "UPDATE instructors t SET current_session_id = m.kept FROM merged_sessions m WHERE t.current_session_id = m.old",
    "UPDATE instructor_status_history t SET session_id = m.kept FROM merged_sessions m WHERE t.session_id = m.old",
    "DELETE FROM sessions WHERE id IN (SELECT old FROM merged_sessions)",
    "UPDATE sessions t SET student_id = m.kept FROM merged m WHERE t.student_id = m.old",
)

# The triggers of `cell_executions` count new and deleted runs, not those that change hands.
COUNTS = (
    """INSERT INTO run_counts (student_id, class_id, slot, runs, errors)
       SELECT m.kept, c.class_id, c.slot, sum(c.runs), sum(c.errors)
       FROM run_counts c JOIN merged m ON m.old = c.student_id GROUP BY 1, 2, 3
       ON CONFLICT (student_id, slot, class_id) DO UPDATE
       SET runs = run_counts.runs + excluded.runs, errors = run_counts.errors + excluded.errors""",
    "DELETE FROM run_counts WHERE student_id IN (SELECT old FROM merged)",
)

# The latest row says how the cell stands; the totals are those of both.
PROGRESS = (
    f"""CREATE TEMP TABLE merged_progress ON COMMIT DROP AS
        SELECT id, first_value(id) OVER spot AS latest, sum(run_count) OVER whole AS runs,
               sum(error_count) OVER whole AS errors, max(last_error_at) OVER whole AS last_error_at
        FROM (SELECT p.*, coalesce(m.kept, p.student_id) AS owner
              FROM cell_progress p LEFT JOIN merged m ON m.old = p.student_id WHERE p.student_id IN {INVOLVED}) AS p
        WINDOW spot AS (PARTITION BY owner, cell_id, class_id ORDER BY last_run_at DESC, id),
               whole AS (PARTITION BY owner, cell_id, class_id)""",
    """UPDATE cell_progress p SET run_count = k.runs, error_count = k.errors, last_error_at = k.last_error_at
       FROM merged_progress k WHERE p.id = k.id AND k.id = k.latest""",
    "DELETE FROM cell_progress WHERE id IN (SELECT id FROM merged_progress WHERE id <> latest)",
    "UPDATE cell_progress t SET student_id = m.kept FROM merged m WHERE t.student_id = m.old",
)

# Of several that are open at once the one that began last stays open.
OPEN = (
    f"""UPDATE help_requests h SET ended_at = h.last_heard_at, ending = 'expired' FROM (
            SELECT h.id, row_number() OVER (
                PARTITION BY coalesce(m.kept, h.student_id), h.class_id ORDER BY h.asked_at DESC, h.id DESC) AS place
            FROM help_requests h LEFT JOIN merged m ON m.old = h.student_id
            WHERE h.ended_at IS NULL AND h.student_id IN {INVOLVED}) AS k
        WHERE h.id = k.id AND k.place > 1""",
    f"""UPDATE attention_cases c SET ended_at = now(), outcome = 'recovered' FROM (
            SELECT c.id, row_number() OVER (
                PARTITION BY coalesce(m.kept, c.student_id), c.class_id ORDER BY c.opened_at DESC, c.id DESC) AS place
            FROM attention_cases c LEFT JOIN merged m ON m.old = c.student_id
            WHERE c.ended_at IS NULL AND c.student_id IN {INVOLVED}) AS k
        WHERE c.id = k.id AND k.place > 1""",
    # But of two requests to be erased the first: the time to answer runs from it.
    f"""UPDATE erasure_requests r SET withdrawn_at = now() FROM (
            SELECT r.id, row_number() OVER (
                PARTITION BY coalesce(m.kept, r.student_id), r.class_id ORDER BY r.asked_at, r.id) AS place
            FROM erasure_requests r LEFT JOIN merged m ON m.old = r.student_id
            WHERE r.answered_at IS NULL AND r.withdrawn_at IS NULL AND r.student_id IN {INVOLVED}) AS k
        WHERE r.id = k.id AND k.place > 1""",
)

ENROLMENTS = (
    """UPDATE student_classes e SET name = coalesce(nullif(e.name, ''), o.name),
           team_id = coalesce(e.team_id, o.team_id),
           student_number = coalesce(nullif(e.student_number, ''), o.student_number),
           reading = coalesce(nullif(e.reading, ''), o.reading),
           reading_key = coalesce(nullif(e.reading_key, ''), o.reading_key),
           joined_at = least(e.joined_at, o.joined_at),
           may_be_asked = e.may_be_asked AND o.may_be_asked
       FROM student_classes o JOIN merged m ON m.old = o.student_id
       WHERE e.student_id = m.kept AND e.class_id = o.class_id""",
    # The kept row sits where the other one sat, in a room where it has no seat.
    """UPDATE seat_assignments a SET enrolment_id = e.id
       FROM student_classes o JOIN merged m ON m.old = o.student_id
       JOIN student_classes e ON e.student_id = m.kept AND e.class_id = o.class_id
       WHERE a.enrolment_id = o.id AND NOT EXISTS (
           SELECT 1 FROM seat_assignments k WHERE k.enrolment_id = e.id AND k.room_id = a.room_id)""",
    """DELETE FROM seat_assignments a USING student_classes o, merged m, student_classes e
       WHERE a.enrolment_id = o.id AND o.student_id = m.old AND e.student_id = m.kept AND e.class_id = o.class_id""",
    """DELETE FROM student_classes o USING merged m, student_classes e
       WHERE o.student_id = m.old AND e.student_id = m.kept AND e.class_id = o.class_id""",
)

# The key of a hand-in makes it one when it is sent again: the kept student's is found.
HAND_INS = (
    """UPDATE assignment_submissions s SET idempotency_key = NULL FROM merged m, assignment_submissions k
       WHERE s.student_id = m.old AND k.student_id = m.kept AND k.assignment_id = s.assignment_id
       AND k.idempotency_key = s.idempotency_key""",
)

HEALTH = (
    f"""DELETE FROM client_health WHERE id IN (
            SELECT id FROM (
                SELECT h.id, row_number() OVER (PARTITION BY coalesce(m.kept, h.student_id), h.class_id
                    ORDER BY h.reported_at DESC, h.id DESC) AS place
                FROM client_health h LEFT JOIN merged m ON m.old = h.student_id
                WHERE h.student_id IN {INVOLVED}) AS placed WHERE place > 1)""",
)

# Of two extensions of one due date the later one counts.
EXTENSIONS = (
    f"""DELETE FROM due_date_extensions WHERE id IN (
            SELECT id FROM (
                SELECT x.id, row_number() OVER (PARTITION BY coalesce(m.kept, x.student_id), x.assignment_id
                    ORDER BY x.due_date DESC, x.id DESC) AS place
                FROM due_date_extensions x LEFT JOIN merged m ON m.old = x.student_id
                WHERE x.student_id IN {INVOLVED}) AS placed WHERE place > 1)""",
)

_NEWEST = "o.last_activity_at DESC NULLS LAST, o.id DESC"
_ASKING = "o.is_requesting_help DESC, o.last_help_at DESC NULLS LAST, o.id"
# The columns of `ActivityColumns`: what was said and done last, totals of both.
_SUMS = {
    "is_requesting_help": "bool_or(o.is_requesting_help)",
    "help_requested_at": """coalesce(max(o.help_requested_at) FILTER (WHERE o.is_requesting_help),
                                     max(o.help_requested_at))""",
    "last_help_at": "max(o.last_help_at)",
    "help_stopped_at": "max(o.help_stopped_at)",
    "help_dismissed_at": "max(o.help_dismissed_at)",
    "help_session_id": f"(array_agg(o.help_session_id ORDER BY {_ASKING}))[1]",
    "help_notebook_path": f"(array_agg(o.help_notebook_path ORDER BY {_ASKING}))[1]",
    "errors_resolved_at": "max(o.errors_resolved_at)",
    "last_activity_at": "max(o.last_activity_at)",
    "current_notebook_id": f"""(array_agg(o.current_notebook_id ORDER BY {_NEWEST})
                                FILTER (WHERE o.current_notebook_id IS NOT NULL))[1]""",
    "execution_count": "sum(o.execution_count)",
    "error_count": "sum(o.error_count)",
    "last_run_at": "max(o.last_run_at)",
    "last_run_failed": "(array_agg(o.last_run_failed ORDER BY o.last_run_at DESC NULLS LAST, o.id))[1]",
}
_SET = ", ".join(f"{column} = k.{column}" for column in _SUMS)
_SUMMED = ", ".join(f"{sum_} AS {column}" for column, sum_ in _SUMS.items())

ACTIVITY = (
    f"""UPDATE student_activity a SET {_SET} FROM (
            SELECT coalesce(m.kept, o.student_id) AS owner, o.class_id AS through, {_SUMMED}
            FROM student_activity o LEFT JOIN merged m ON m.old = o.student_id
            WHERE o.student_id IN {INVOLVED} GROUP BY 1, 2) AS k
        WHERE a.student_id = k.owner AND a.class_id = k.through""",
    """DELETE FROM student_activity o USING merged m, student_activity k
       WHERE o.student_id = m.old AND k.student_id = m.kept AND k.class_id = o.class_id""",
)

# In this order; then references are moved, and STATE.
STATEMENTS = (
    *SESSIONS,
    *COUNTS,
    *PROGRESS,
    *OPEN,
    *ENROLMENTS,
    *HAND_INS,
    *HEALTH,
    *EXTENSIONS,
    *ACTIVITY,
)

STATE = f"""
    UPDATE students s SET name = k.name, team_id = k.team_id, created_at = k.created_at, updated_at = now(), {_SET}
    FROM (
        SELECT coalesce(m.kept, o.id) AS id, min(o.created_at) AS created_at,
            (array_agg(o.name ORDER BY (m.old IS NULL) DESC, {_NEWEST}) FILTER (WHERE o.name <> ''))[1] AS name,
            (array_agg(o.team_id ORDER BY (m.old IS NULL) DESC, {_NEWEST}) FILTER (WHERE o.team_id IS NOT NULL))[1]
                AS team_id, {_SUMMED}
        FROM students o LEFT JOIN merged m ON m.old = o.id WHERE o.id IN {INVOLVED} GROUP BY 1) AS k
    WHERE s.id = k.id
"""
