"""When a student is asked whether they are stuck, and how long the answer counts. Pure; explained in
docs/attention.md."""

from datetime import timedelta

# Asked are those of whom the list is unsure: below, hardly anybody is stuck; above, somebody should go in any case.
MIN_PROBABILITY, MAX_PROBABILITY = 0.35, 0.88
ASK_AGAIN = timedelta(minutes=15)  # after the last question to this student, in any class
AFTER_HELP = timedelta(minutes=5)  # after a request for help began or ended
OPEN_FOR = timedelta(minutes=5)  # then the question is not shown any more
FINE_FOR = timedelta(minutes=10)  # for so long "I'm fine" counts


def is_worth_asking(probability: float) -> bool:
    """Return whether the answer of a student who is stuck with this probability would be informative."""
    return MIN_PROBABILITY <= probability < MAX_PROBABILITY
