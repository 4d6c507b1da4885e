"""Simulation of a class, for demonstrations, load tests and for evaluating the detection of stuck students.

Plain Python without Django: `lesson` defines the notebooks, `students` the students, `behaviour` a student's actions
over time, `sender` posts events over HTTP, and `classroom` runs all students in real time.
"""
