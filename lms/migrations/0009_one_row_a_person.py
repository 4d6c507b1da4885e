"""One row a person and a team, however their address and name are spelt (`core.identity`).

Rows that are one by that are merged into the oldest: nothing is lost, counts are added up. Two or more requests for
help, or concerns, that are open at once become one open and ended ones.
"""

import logging

from django.db import migrations, models

from core.identity import email_key, label_key, visible
from core import row_merging as merging

logger = logging.getLogger(__name__)

# Rows of a student of which there may be many.
MANY = (
    "cell_executions.student_id",
    "notebook_accesses.student_id",
    "student_events.student_id",
    "help_requests.student_id",
    "assignment_submissions.student_id",
    "environment_snapshots.student_id",
    "student_notes.student_id",
    "attention_cases.student_id",
)

INVOLVED = "(SELECT old FROM merged UNION SELECT kept FROM merged)"

SESSIONS = (
    f"""CREATE TEMP TABLE merged_sessions ON COMMIT DROP AS
        SELECT id AS old, kept FROM (
            SELECT s.id, first_value(s.id) OVER (
                PARTITION BY coalesce(m.kept, s.student_id), s.session_id ORDER BY s.id) AS kept
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

COUNTS = (
    """INSERT INTO run_counts (student_id, slot, runs, errors)
       SELECT m.kept, c.slot, sum(c.runs), sum(c.errors) FROM run_counts c JOIN merged m ON m.old = c.student_id
       GROUP BY 1, 2
       ON CONFLICT (student_id, slot) DO UPDATE
       SET runs = run_counts.runs + excluded.runs, errors = run_counts.errors + excluded.errors""",
    "DELETE FROM run_counts WHERE student_id IN (SELECT old FROM merged)",
)

# The latest row says how the cell stands; the totals are everybody's.
PROGRESS = (
    f"""CREATE TEMP TABLE merged_progress ON COMMIT DROP AS
        SELECT id, first_value(id) OVER spot AS latest, sum(run_count) OVER whole AS runs,
               sum(error_count) OVER whole AS errors, max(last_error_at) OVER whole AS last_error_at
        FROM (SELECT p.*, coalesce(m.kept, p.student_id) AS owner
              FROM cell_progress p LEFT JOIN merged m ON m.old = p.student_id WHERE p.student_id IN {INVOLVED}) AS p
        WINDOW spot AS (PARTITION BY owner, cell_id ORDER BY last_run_at DESC, id), whole AS (PARTITION BY owner, cell_id)""",
    """UPDATE cell_progress p SET run_count = k.runs, error_count = k.errors, last_error_at = k.last_error_at
       FROM merged_progress k WHERE p.id = k.id AND k.id = k.latest""",
    "DELETE FROM cell_progress WHERE id IN (SELECT id FROM merged_progress WHERE id <> latest)",
    "UPDATE cell_progress t SET student_id = m.kept FROM merged m WHERE t.student_id = m.old",
)

# Of several that are open at once the one that began last stays open.
OPEN = (
    f"""UPDATE help_requests h SET ended_at = h.last_heard_at, ending = 'expired' FROM (
            SELECT h.id, row_number() OVER (
                PARTITION BY coalesce(m.kept, h.student_id) ORDER BY h.asked_at DESC, h.id DESC) AS place
            FROM help_requests h LEFT JOIN merged m ON m.old = h.student_id
            WHERE h.ended_at IS NULL AND h.student_id IN {INVOLVED}) AS k
        WHERE h.id = k.id AND k.place > 1""",
    f"""UPDATE attention_cases c SET ended_at = now(), outcome = 'recovered' FROM (
            SELECT c.id, row_number() OVER (
                PARTITION BY coalesce(m.kept, c.student_id), c.class_id ORDER BY c.opened_at DESC, c.id DESC) AS place
            FROM attention_cases c LEFT JOIN merged m ON m.old = c.student_id
            WHERE c.ended_at IS NULL AND c.student_id IN {INVOLVED}) AS k
        WHERE c.id = k.id AND k.place > 1""",
)

# The state of the one row: what was said and done last, totals of all.
STATE = f"""
    UPDATE students s SET name = k.name, team_id = k.team_id, is_requesting_help = k.is_requesting_help,
        help_requested_at = k.help_requested_at, last_help_at = k.last_help_at, help_stopped_at = k.help_stopped_at,
        help_dismissed_at = k.help_dismissed_at, help_session_id = k.help_session_id,
        help_notebook_path = k.help_notebook_path, errors_resolved_at = k.errors_resolved_at,
        last_activity_at = k.last_activity_at, current_notebook_id = k.current_notebook_id,
        execution_count = k.execution_count, error_count = k.error_count, last_run_at = k.last_run_at,
        last_run_failed = k.last_run_failed, created_at = k.created_at, updated_at = now()
    FROM (
        SELECT coalesce(m.kept, o.id) AS id,
            (array_agg(o.name ORDER BY {{newest}}) FILTER (WHERE o.name <> ''))[1] AS name,
            (array_agg(o.team_id ORDER BY {{newest}}) FILTER (WHERE o.team_id IS NOT NULL))[1] AS team_id,
            bool_or(o.is_requesting_help) AS is_requesting_help,
            max(o.help_requested_at) AS help_requested_at, max(o.last_help_at) AS last_help_at,
            max(o.help_stopped_at) AS help_stopped_at, max(o.help_dismissed_at) AS help_dismissed_at,
            (array_agg(o.help_session_id ORDER BY {{asking}}))[1] AS help_session_id,
            (array_agg(o.help_notebook_path ORDER BY {{asking}}))[1] AS help_notebook_path,
            max(o.errors_resolved_at) AS errors_resolved_at, max(o.last_activity_at) AS last_activity_at,
            (array_agg(o.current_notebook_id ORDER BY {{newest}}) FILTER (WHERE o.current_notebook_id IS NOT NULL))[1]
                AS current_notebook_id,
            sum(o.execution_count) AS execution_count, sum(o.error_count) AS error_count,
            max(o.last_run_at) AS last_run_at,
            (array_agg(o.last_run_failed ORDER BY o.last_run_at DESC NULLS LAST, o.id))[1] AS last_run_failed,
            min(o.created_at) AS created_at
        FROM students o LEFT JOIN merged m ON m.old = o.id WHERE o.id IN {INVOLVED} GROUP BY 1) AS k
    WHERE s.id = k.id
""".format(
    newest="o.last_activity_at DESC NULLS LAST, o.id DESC",
    asking="o.is_requesting_help DESC, o.last_help_at DESC NULLS LAST, o.id",
)


def merge_teams(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT id, team_name FROM teams ORDER BY id")
        rows = cursor.fetchall()
        nameless = [pk for pk, name in rows if not label_key(name)]
        cursor.execute("UPDATE students SET team_id = NULL WHERE team_id = ANY(%s)", [nameless])
        cursor.execute("DELETE FROM teams WHERE id = ANY(%s)", [nameless])
        keys = [(pk, label_key(name)) for pk, name in rows if label_key(name)]
        same = merging.pairs(keys)
        gone = {old for old, _ in same}
        merging.set_column(cursor, "teams", "team_key", [row for row in keys if row[0] not in gone])
        if same:
            merging.table_of(cursor, "merged_teams", same)
            merging.repoint(cursor, "merged_teams", "students.team_id")
            cursor.execute("DELETE FROM teams WHERE id IN (SELECT old FROM merged_teams)")
        _merge_positions(cursor)


def _merge_positions(cursor):
    """One place a team on each map: where it was put last."""
    cursor.execute("SELECT id, map_id, team_name FROM team_positions ORDER BY updated_at DESC, id DESC")
    seen = set()
    twice = []
    for pk, map_id, name in cursor.fetchall():
        spot = map_id, label_key(name)
        if spot in seen or not spot[1]:
            twice.append(pk)
        seen.add(spot)
    cursor.execute("DELETE FROM team_positions WHERE id = ANY(%s)", [twice])


def merge_students(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT id, name FROM students WHERE name IS NOT NULL AND name !~ '^[A-Za-z0-9]'")
        blank = [pk for pk, name in cursor.fetchall() if visible(name) is None]
        cursor.execute("UPDATE students SET name = NULL WHERE id = ANY(%s)", [blank])
        cursor.execute("SELECT id, email FROM students ORDER BY id")
        rows = cursor.fetchall()
        keys = merging.keys_of(rows, email_key)
        same = merging.pairs(keys)
        gone = {old for old, _ in same}
        merging.set_column(cursor, "students", "email_key", [row for row in keys if row[0] not in gone])
        _key_notices(cursor, {email: key for (_, email), (_, key) in zip(rows, keys, strict=True) if email != key})
        if same:
            merging.table_of(cursor, "merged", same)
            for statement in (*SESSIONS, *COUNTS, *PROGRESS, *OPEN):
                cursor.execute(statement)
            merging.repoint(cursor, "merged", *MANY)
            merging.repoint_once(cursor, "merged", "student_classes", "student_id", "class_id")
            merging.repoint_once(cursor, "merged", "hint_recipients", "student_id", "hint_id")
            merging.merge_histories(cursor, "merged", "student_id")
            cursor.execute(STATE)
            cursor.execute("DELETE FROM students WHERE id IN (SELECT old FROM merged)")
    _note(apps, same)
    if unknown := sum(key.startswith(merging.UNREACHABLE) for _, key in keys):
        logger.warning("%d students have an address that is none: see manage.py check_identities", unknown)


def _key_notices(cursor, keys):
    cursor.execute(
        """UPDATE progress_notifications n SET recipient_id = k.key
           FROM unnest(%s::text[], %s::text[]) AS k (email, key) WHERE n.recipient_id = k.email""",
        [list(keys), list(keys.values())],
    )


def _note(apps, same):
    """The audit log speaks of students by their numbers too: it says which became which."""
    entries = apps.get_model("instructors", "AuditLog").objects
    entries.bulk_create(
        [
            entries.model(
                actor_type="system",
                action="student_merge",
                target_type="student",
                target_id=str(kept),
                details={"merged": old},
            )
            for old, kept in same
        ],
        batch_size=1000,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("lms", "0008_fewer_indexes"),
        ("events", "0005_run_counts"),
        ("instructors", "0010_reports"),
    ]

    operations = [
        migrations.AddField("student", "email_key", models.CharField(max_length=320, null=True, editable=False)),
        migrations.AddField("team", "team_key", models.CharField(max_length=320, null=True, editable=False)),
        migrations.RunPython(merge_teams, migrations.RunPython.noop),
        migrations.RunPython(merge_students, migrations.RunPython.noop),
        # Otherwise a table with rows changed in this transaction cannot be altered in it.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.AlterField("student", "email_key", models.CharField(max_length=320, editable=False)),
        migrations.AlterField("team", "team_key", models.CharField(max_length=320, editable=False)),
        migrations.RemoveConstraint("student", "students_email_without_case"),
        migrations.AddConstraint("student", models.UniqueConstraint(fields=["email_key"], name="students_once")),
        migrations.AddConstraint("team", models.UniqueConstraint(fields=["team_key"], name="teams_once")),
        migrations.AlterField(
            "student",
            "email",
            models.CharField(help_text="The public identity, as it was typed first; any text.", max_length=320),
        ),
        migrations.AlterField("team", "team_name", models.CharField(help_text="As it was typed first.", max_length=255)),
    ]
