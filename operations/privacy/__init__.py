"""Export and erase the data of one person on request (docs/privacy.md).

Tables are found by introspection, so that a new table with a foreign key to Student is covered. A table with texts and
no such key must be listed in `data_map`, or a test fails.
"""
