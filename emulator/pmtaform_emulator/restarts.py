"""Directives that come into force at a restart only: what is in force, and what waits."""

from __future__ import annotations

from typing import Any

from pmtaform.lang.catalogue import Impact, catalogue
from pmtaform_emulator.loading import Group, Item

Slow = dict[str, dict[str, Any]]


def slow(top: Group) -> Slow:
    """The restart-class directives and sections of a configuration: their values, and whose restart they need."""
    found: Slow = {}
    for content in top.content:
        if isinstance(content, Item):
            if content.spec.impact is Impact.RESTART:
                _add(found, content.name, content.spec.service, content.value)
        elif (spec := catalogue().section(content.tag)) and spec.impact is Impact.RESTART:
            lines = "; ".join(f"{item.name} {item.value}" for item in content.items())
            _add(found, content.tag, "pmta", f"{content.argument} {{{lines}}}".strip())
    return found


def _add(found: Slow, name: str, service: str, value: str) -> None:
    found.setdefault(name, {"service": service, "values": []})["values"].append(value)
