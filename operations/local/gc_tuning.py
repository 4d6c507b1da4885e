"""Tune Python's garbage collector for long-running processes.

Half a million objects are loaded at the start and never freed. Scanning them again and again took a quarter of the
processor of a busy intake, and delayed every POST meanwhile.
"""

import gc

# New objects before a collection of generation 0 (Python's default: 700). A request leaves few cycles; a batch of
# events creates thousands of objects, and reference counting frees nearly all of them.
GENERATION_0_THRESHOLD = 5_000


def freeze_loaded_objects() -> None:
    """Exclude all existing objects from garbage collection. Call once, after all modules are loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GENERATION_0_THRESHOLD, 10, 10)
