"""The attention board: which students need help now, and why. Explained in docs/attention.md.

history         what each student did at each cell, and what the class did: a reduction of the runs
evidence        the measures of one student at one moment
probability     the probability that they are stuck: a logistic model of named terms, whose weights are in `weights`
ranking         thresholds, hysteresis and places
signals         a lesson, what people did about it, and alerts: plain values
assessment      the alerts of a lesson; all of the above are pure functions
observations    the lesson of a classroom from PostgreSQL, in two queries
lesson_cache    caches it for one second for all dashboards of a process
reason_texts    an alert in the reader's language
selectors       alerts, help requests and claims of a classroom
presentation    the same as the page shows them
questions       asks the students of whom the list is unsure: “Are you stuck?”
services        what instructors do about an alert or a help request; recording of cases
help_services   ending help requests and resolving errors, for the pages and the API
"""
