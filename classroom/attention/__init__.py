"""The attention board: which students need help now, and why. The rule is explained in docs/attention.md.

signals         the rule's input and output: plain values
rule            the thresholds and `assess`, a pure function
observations    the signals of a classroom from PostgreSQL, in two queries
lesson_cache    caches them for one second for all dashboards of a process
reason_texts    an alert in the reader's language
selectors       alerts, help requests and claims of a classroom
board           the same as the page shows them
services        what instructors do about an alert or a help request; recording of cases
help_services   ending help requests and resolving errors, for the pages and the API
"""
