"""How often Python looks for cyclic garbage in the processes that run for long.

What is loaded at the start stays for ever. To walk through those half million objects time and again took a quarter of
the processor of a busy intake, and each walk held up every POST for its length.
"""

import gc

# New objects before the youngest are looked at (Python's own: 700). A request leaves few cycles; a batch of the river
# makes thousands of objects, and nearly all are gone by themselves when it ends.
GENERATION_0_THRESHOLD = 5_000


def freeze_loaded_objects() -> None:
    """Call once, when everything is loaded: what exists now is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GENERATION_0_THRESHOLD, 10, 10)
