"""What an emulated server is to have to do: the numbers that `show status` and `show queues` tell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pmtaform_emulator.layout import Layout
from pmtaform_emulator.store import Store

FILE: Final = "figures.json"


def figures(
    root: Path,
    *,
    status: Mapping[str, Any] | None = None,
    queues: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Set what the server seems to be doing, in place of what was set before; with nothing given it is idle.

    `status` is laid over `data.status` of `show status`: `{"queue": {"smtp": {"rcp": 5000}}}`. `queues` maps a queue's
    name, `domain/vmta`, to fields of `show queues`: `{"gmail.com/v1": {"rcp": 10, "mode": "backoff"}}`. What
    `pmta set queue` and `pmta pause queue` say later comes on top.
    """
    store = Store(Layout(Path(root)))
    with store.locked():
        store.replace(FILE, {"status": dict(status or {}), "queues": {k: dict(v) for k, v in (queues or {}).items()}})


def known_figures(store: Store) -> tuple[Mapping[str, Any], Mapping[str, Mapping[str, Any]]]:
    """The figures that were set: (status, queues)."""
    found = store.document(FILE)
    return found.get("status", {}), found.get("queues", {})
