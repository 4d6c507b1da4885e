"""What is stored of one person: found, handed out on request, and erased on request (docs/privacy.md).

Tables are found by introspection, so that a new one with a reference to a student is covered from its first day; a
table with texts and no such reference must be declared in `declared`, or a test fails.
"""
