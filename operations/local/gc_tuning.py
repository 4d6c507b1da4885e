"""Tune Python's garbage collector for long-running processes.

Half a million objects are loaded at the start and never freed. Scanning them again and again took a quarter of the
processor of a busy intake, and delayed every POST meanwhile.
"""

import gc

# New objects before a collection of generation 0 (Python's default: 700). A request leaves few cycles; a batch of
# events creates thousands of objects, and reference counting frees nearly all of them.
GENERATION_0_THRESHOLD = 5_000
# Of a web process: two hundred POSTs under way are ten thousand objects that reference counting will free.
WEB_THRESHOLD = 20_000


def freeze_loaded_objects(*, threshold: int = GENERATION_0_THRESHOLD) -> None:
    """Exclude all existing objects from garbage collection. Call once, after all modules are loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(threshold, 10, 10)
