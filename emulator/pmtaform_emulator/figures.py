"""The work that an emulated server claims to have: the figures of `show status` and `show queues`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pmtaform_emulator.layout import Layout
from pmtaform_emulator.store import DaemonStore

FILE: Final = "figures.json"


def figures(
    root: Path,
    *,
    status: Mapping[str, Any] | None = None,
    queues: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Replace the figures that the server reports; with nothing given it is idle.

    `status` is merged into `data.status` of `show status`: `{"queue": {"smtp": {"rcp": 5000}}}`. `queues` maps a
    queue's name, `domain/vmta`, to fields of `show queues`: `{"gmail.com/v1": {"rcp": 10, "mode": "backoff"}}`. What
    `pmta set queue` and `pmta pause queue` set later overrides them.
    """
    store = DaemonStore(Layout(Path(root)))
    with store.locked():
        store.replace(FILE, {"status": dict(status or {}), "queues": {k: dict(v) for k, v in (queues or {}).items()}})


def known_figures(store: DaemonStore) -> tuple[Mapping[str, Any], Mapping[str, Mapping[str, Any]]]:
    """The figures that were set: (status, queues)."""
    figures = store.document(FILE)
    return figures.get("status", {}), figures.get("queues", {})
