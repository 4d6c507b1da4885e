"""A believable class of students, for demonstrations, load tests and for judging who is called stuck.

Plain Python without Django: `lesson` says what is taught, `students` who learns it, `behaviour` what one of them does
from minute to minute, `sender` carries it over real HTTP, `classroom` runs them all by the clock.
"""
