"""What a student's token opens, for `test_access_matrix`: method and path of a row of `API_ROWS`, the status with the
token of Hanako, who is in the Python class, with one of Jiro's, who is too, and with one of Ken's of the Rust class.
Every other address takes a token for nothing."""

TOKEN_ROWS = {
    # --- Their own device
    ("GET", "/me/token"): "200 200 200",
    ("DELETE", "/me/token"): "204 204 204",
    ("POST", "/me/token/confirm"): "200 404 404",
    ("POST", "/me/page"): "201 201 201",
    ("POST", "/me/question"): "200 404 404",
    ("PUT", "/me/question"): "200 200 200",  # each one's own
    # --- What the class is set to do, and what is theirs
    ("GET", "/me?email=hanako@example.com"): "200 200 200",  # whatever the address says
    ("GET", "/me/inbox"): "200 200 200",  # each one's own
    ("GET", "/assignments"): "200 200 200",
    ("GET", "/assignments/{loops}"): "200 200 404",
    ("GET", "/assignments/{loops}/starter"): "200 200 404",
    ("GET", "/submissions"): "200 200 200",
    ("GET", "/submissions/{work}"): "200 404 404",
    ("GET", "/progress/student/hanako@example.com"): "200 404 404",
    ("GET", "/progress/assignment/hanako@example.com/{loops}"): "200 404 404",
    ("GET", "/progress/notifications/hanako@example.com"): "200 200 200",  # of somebody else: empty
    ("POST", "/progress/notifications/nothing/read"): "404 404 404",
    # --- Written in their own name
    ("POST", "/submissions"): "201 404 404",
    ("POST", "/environment/snapshot"): "422 422 422",  # the server's own is not a student's to keep
    ("POST", "/environment/snapshot", "a report"): "201 404 404",
    ("POST", "/progress/student-progress"): "200 422 422",
    ("POST", "/cell-monitor"): "200 422 422",
}
