"""The cast of `tests.classroom`, for the administration."""

from tests.classroom.conftest import (  # noqa: F401
    _fast_hashes_and_closed_doors,
    aoi,
    assistant,
    enrol,
    flag,
    hanako,
    kaoru,
    notebook,
    python_class,
    ren,
    run,
    signed_in,
    stranger,
    taro,
)
