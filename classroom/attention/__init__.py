"""The attention board: which students need help now, and why. Explained in docs/attention.md.

history         what each student did at each cell, and the class: a fold over runs
evidence        the measures of one student at one moment
model           their probability of being stuck: named terms; the weights are in `weights`
ranking         thresholds, hysteresis and places
signals         a lesson, what people did about it, and alerts: plain values
assessment      alerts from both; all of the above are pure functions
observations    the lesson of a classroom from PostgreSQL, in two queries
lesson_cache    caches it for one second for all dashboards of a process
reason_texts    an alert in the reader's language
selectors       alerts, help requests and claims of a classroom
board           the same as the page shows them
services        what instructors do about an alert or a help request; recording of cases
help_services   ending help requests and resolving errors, for the pages and the API
"""
