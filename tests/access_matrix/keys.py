"""What a class key opens, for `test_access_matrix`: method and path of a row of `API_ROWS`, the status with a key of
the Python class, and with one of the Rust class. Every other address takes a key for nothing."""

KEY_ROWS = {
    # --- Read: what the class is set to do
    ("GET", "/assignments"): "200 200",
    ("GET", "/assignments/{loops}"): "200 404",
    ("GET", "/assignments/{loops}/starter"): "200 404",
    ("GET", "/me?email=hanako@example.com"): "200 404",
    # --- Written for the class
    ("POST", "/me/token"): "201 201",
    ("POST", "/submissions"): "201 404",
    ("POST", "/environment/snapshot"): "422 422",  # the server's own is not a student's to keep
    ("POST", "/environment/snapshot", "a report"): "201 201",
    ("POST", "/notebook-version/snapshot"): "201 201",
    ("POST", "/notebook-version/commit"): "201 404",
    ("POST", "/notebook-version/commit-direct"): "201 201",
    ("POST", "/notebook-version/branch"): "201 404",
}
