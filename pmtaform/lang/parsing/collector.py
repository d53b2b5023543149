"""The cycle collector, kept out of the building of many objects."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def gc_paused() -> Iterator[None]:
    """Keep the cycle collector out of building many objects at once; it doubles the time of a large parse."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if not gc.get_freeze_count():
                # Into the oldest generation without a look at each: the next collection would cost as much again.
                gc.freeze()
                gc.unfreeze()
            gc.enable()
