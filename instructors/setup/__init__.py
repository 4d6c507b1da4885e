"""Setting up a class: each thing its instructors change about it. Each ends up in the audit log, with its change."""
