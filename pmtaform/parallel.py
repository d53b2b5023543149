"""Call a function for many items at once, with a limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def run_all(items: Sequence[T], work: Callable[[T], None], *, parallel: int) -> None:
    """Call `work` for every item, at most `parallel` at once; returns when all are done.

    An exception of `work` is a bug: it is raised here once every other item is done.
    """
    if not items:
        return
    with ThreadPoolExecutor(max_workers=max(1, min(parallel, len(items))), thread_name_prefix="host") as pool:
        futures = [pool.submit(work, item) for item in items]
    for future in futures:
        future.result()
