"""Who needs attention now, and why: signals in, a few ranked concerns out. The rule is explained in docs/attention.md.

signals     what is known of a lesson and of each student in it; plain values
rule        the thresholds and `assess`: pure
errors      when two errors are the same
gathering   the signals of a room from PostgreSQL, in two queries
memory      one gathering a second serves all dashboards of a process
words       a concern in the reader's language
"""
