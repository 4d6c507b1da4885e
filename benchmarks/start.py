"""Measure the seconds from `manage.py up` to its first response, with and without databases to create."""

import time

from benchmarks.rows import Row
from benchmarks.system import data_folder, started


def start(*, workers: int) -> list[Row]:
    with data_folder() as folder:
        took = []
        for _ in range(3):
            begun = time.monotonic()
            with started(folder=folder, workers=workers):
                took.append(time.monotonic() - begun)
    return [
        Row(name="start to answering, first", value=took[0], unit="s", note="makes its databases, migrates"),
        Row(name="start to answering, again", value=min(took[1:]), unit="s", note="the better of two"),
    ]
