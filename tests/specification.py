"""Every endpoint that docs/contract/http.md and docs/contract/websocket.md name, written down from their text by hand.

Not derived from the product: `test_specification.py` holds the product against this list, in both directions.
`mark` is the contract's: "" the specification itself, "C" clients in the field, "E" the earlier server, "D" ours.
`{name}` stands for one segment of a path, `{name*}` for text that may hold slashes.
"""

from typing import NamedTuple


class Endpoint(NamedTuple):
    section: str
    method: str
    path: str
    mark: str = ""
    optional: bool = False  # the contract says so
    offered: bool = True  # False: optional, and not built; it must then not answer

    def __str__(self) -> str:
        return f"{self.section} {self.method} {self.path}"


API = "/api/v1"
# Section 1.1: these answer under /api/v1/X and /api/v1/v1/X alike.
TWICE = ("environment", "notebook-version", "websocket", "offline", "test", "cell-monitor", "progress")


def below(section: str, rows: str) -> list[Endpoint]:
    """One endpoint a line: method, path below /api/v1, then its mark and "optional" or "not-offered" where it is so."""
    found = []
    for line in rows.strip().splitlines():
        method, path, *words = line.split()
        mark = next((word for word in words if len(word) == 1), "")
        optional = "optional" in words or "not-offered" in words
        found.append(Endpoint(section, method, API + path, mark, optional, "not-offered" not in words))
    return found


HTTP = [
    *below(
        "http 2",
        """
        POST /events
        GET /events/health
        POST /progress/student-progress
        POST /cell-monitor
        POST /progress/cell-monitor C
        """,
    ),
    *below(
        "http 2.1",
        """
        POST /test/events/{test_id}
        GET /test/events/{test_id}
        DELETE /test/events/{test_id}
        GET /test/events
        """,
    ),
    *below(
        "http 3",
        """
        POST /classes
        GET /classes
        GET /classes/{class_id}
        PUT /classes/{class_id}
        DELETE /classes/{class_id}
        """,
    ),
    *below(
        "http 4",
        """
        POST /assignments
        GET /assignments
        GET /assignments/{assignment_id}
        PUT /assignments/{assignment_id}
        DELETE /assignments/{assignment_id}
        GET /assignments/{assignment_id}/starter D
        GET /assignments/{assignment_id}/extensions D
        PUT /assignments/{assignment_id}/extensions/{student_id} D
        DELETE /assignments/{assignment_id}/extensions/{student_id} D
        """,
    ),
    *below(
        "http 5",
        """
        POST /submissions
        GET /submissions
        GET /submissions/{submission_id}
        PUT /submissions/{submission_id}
        DELETE /submissions/{submission_id}
        """,
    ),
    *below(
        "http 5a",
        """
        GET /students D
        GET /students/{student_id} D
        GET /notebooks D
        POST /notebooks D
        GET /me D
        """,
    ),
    *below(
        "http 5b",
        """
        POST /me/token D
        GET /me/token D
        DELETE /me/token D
        POST /me/token/confirm D
        POST /me/page D
        POST /me/question D
        PUT /me/question D
        GET /me/inbox D
        """,
    ),
    *below(
        "http 6",
        """
        POST /offline/queue
        GET /offline/status
        POST /offline/sync
        DELETE /offline/clear
        GET /offline/failed-events
        """,
    ),
    *below(
        "http 7",
        """
        POST /auth/login
        POST /auth/logout
        GET /auth/me
        PUT /auth/password
        """,
    ),
    *below(
        "http 8",
        """
        GET /instructors
        POST /instructors
        GET /instructors/{instructor_id}
        PUT /instructors/{instructor_id}
        DELETE /instructors/{instructor_id}
        """,
    ),
    *below(
        "http 9",
        """
        GET /instructor_status/{instructor_id}
        PUT /instructor_status/{instructor_id}
        GET /instructor_status/{instructor_id}/history
        POST /instructor_status/bulk
        """,
    ),
    *below(
        "http 10",
        """
        GET /environment/current
        GET /environment/summary E
        POST /environment/snapshot
        GET /environment/packages
        GET /environment/health
        POST /environment/diff
        GET /environment/diff E
        POST /environment/analyze
        """,
    ),
    *below(
        "http 11",
        """
        POST /notebook-version/snapshot
        POST /notebook-version/commit
        POST /notebook-version/commit-direct E
        GET /notebook-version/history
        GET /notebook-version/history/{notebook_path*} E
        GET /notebook-version/version/{version_id} E
        GET /notebook-version/latest E
        GET /notebook-version/latest/{notebook_path*} E
        POST /notebook-version/branch
        GET /notebook-version/branches
        GET /notebook-version/branch/{branch_id} E
        POST /notebook-version/compare
        GET /notebook-version/compare/{from}/{to} E
        GET /notebook-version/snapshot/{snapshot_id}
        GET /notebook-version/stats
        POST /notebook-version/simulate-commit E not-offered
        DELETE /notebook-version/reset/{notebook_path*} E not-offered
        """,
    ),
    *below(
        "http 12",
        """
        GET /progress/student/{user_id*} E
        GET /progress/assignment/{user_id*}/{assignment_id} E
        GET /progress/all-students E
        GET /progress/stats E
        GET /progress/notifications/{user_id*} E optional
        POST /progress/notifications/{notification_id}/read E optional
        POST /progress/process-event E optional
        """,
    ),
    *below(
        "http 13",
        """
        GET /dashboard/overview
        GET /dashboard/students/{email*}/activity
        GET /dashboard/metrics
        POST /dashboard/students/{email*}/dismiss-help
        POST /dashboard/students/{email*}/resolve-error
        GET /dashboard/ws/dashboard/status E
        """,
    ),
    *below(
        "http 14",
        """
        GET /health
        GET /health/simple
        GET /health/ready
        GET /health/live
        """,
    ),
    Endpoint("http 14", "GET", "/health"),
    *below(
        "http 15",
        """
        GET /admin/metrics
        GET /admin/performance
        GET /admin/system-status
        GET /admin/worker-status
        GET /admin/settings E
        GET /admin/settings/{setting_key} E
        PUT /admin/settings/{setting_key} E
        POST /admin/settings E
        GET /admin/consecutive-error-status E
        GET /admin/audit-log D
        """,
    ),
    Endpoint("http 15", "GET", "/metrics", "D"),
    *below(
        "http 16",
        """
        GET /analytics/progress D
        GET /analytics/teams D
        GET /analytics/predictions D
        POST /analytics/reports D
        GET /analytics/reports/{report_id} D
        GET /analytics/reports/{report_id}/download D
        """,
    ),
    *below(
        "http 17",
        """
        GET /classroom/map E
        POST /classroom/map/upload E
        GET /classroom/map/image/{filename} E
        PUT /classroom/map/{map_id}/positions E
        DELETE /classroom/map/{map_id} E
        POST /classroom/map/create-default E
        GET /classroom/maps E
        """,
    ),
    Endpoint("http 17", "GET", "/static/maps/{filename}", "C"),
    *below(
        "http 17b",
        """
        GET /classes/{class_id}/rooms D
        POST /classes/{class_id}/rooms D
        GET /rooms/{room_id} D
        PUT /rooms/{room_id} D
        DELETE /rooms/{room_id} D
        PUT /rooms/{room_id}/seats D
        PUT /rooms/{room_id}/people D
        """,
    ),
    *below(
        "http 18",
        """
        GET /instructor/ws/instructor/status E
        GET /openapi.json D optional
        GET /docs D optional
        """,
    ),
    Endpoint("http 18", "GET", "/", "E"),
]

# websocket.md section 1, every alias a row. A socket is opened with GET.
SOCKETS = [
    Endpoint("websocket W1", "GET", "/ws"),
    Endpoint("websocket W1", "GET", "/ws/dashboard"),
    Endpoint("websocket W2", "GET", "/api/v1/v1/websocket/ws/{client_id}"),
    Endpoint("websocket W2", "GET", "/api/v1/websocket/ws/{client_id}"),
    Endpoint("websocket W2", "GET", "/api/v1/v1/ws/{client_id}", "E"),
    Endpoint("websocket W2", "GET", "/api/v1/ws/{client_id}", "C"),
    Endpoint("websocket W3", "GET", "/instructor/ws"),
    Endpoint("websocket W3", "GET", "/api/v1/instructor/ws"),
    Endpoint("websocket W3", "GET", "/api/v1/instructor/ws/instructor/{instructor_id}", "E"),
    Endpoint("websocket W3", "GET", "/api/v1/ws/instructor/{instructor_id}", "E"),
    Endpoint("websocket W4", "GET", "/api/v1/dashboard/ws/dashboard", "C"),
    Endpoint("websocket W5", "GET", "/api/v1/v1/progress/ws/student/{user_id}", "E", True),
    Endpoint("websocket W5", "GET", "/api/v1/v1/progress/ws/instructor", "E", True),
    Endpoint("websocket W5", "GET", "/api/v1/progress/ws/student/{user_id}", "E", True),
    Endpoint("websocket W5", "GET", "/api/v1/progress/ws/instructor", "E", True),
    Endpoint("websocket W6", "GET", "/api/v1/ws/me", "D"),
    Endpoint("websocket W6", "GET", "/api/v1/v1/ws/me", "D"),
    Endpoint("websocket 7", "GET", "/socket.io", "E", True, False),
]
