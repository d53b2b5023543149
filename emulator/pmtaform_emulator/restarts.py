"""Directives that take effect at a restart only: the values in force and those that wait for a restart."""

from __future__ import annotations

from typing import Any

from pmtaform.lang.catalogue import Impact, catalogue
from pmtaform_emulator.loading import LoadedDirective, LoadedSection

Slow = dict[str, dict[str, Any]]


def slow(top: LoadedSection) -> Slow:
    """The restart-class directives and sections of a configuration: their values, and whose restart they need."""
    rows: Slow = {}
    for content in top.content:
        if isinstance(content, LoadedDirective):
            if content.spec.impact is Impact.RESTART:
                _add(rows, content.name, content.spec.service, content.value)
        elif (spec := catalogue().section(content.tag)) and spec.impact is Impact.RESTART:
            lines = "; ".join(f"{item.name} {item.value}" for item in content.items())
            _add(rows, content.tag, "pmta", f"{content.argument} {{{lines}}}".strip())
    return rows


def _add(rows: Slow, name: str, service: str, value: str) -> None:
    rows.setdefault(name, {"service": service, "values": []})["values"].append(value)
