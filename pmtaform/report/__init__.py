"""The only printers: plans, problems and runs as text for people and as JSON for programs.

Nothing here prints by itself but a watcher (`progress.progress`); all else gives text, and `write` puts it on a
stream. Text that comes from hosts and stacks is cleaned of what a terminal would obey.

The names below are imported when they are first used: a command pays only for the reports that it prints.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pmtaform.report.diffs import diff_lines, diff_text
    from pmtaform.report.documents import json_diagnostics, json_plan
    from pmtaform.report.masking import masked_line, masked_source
    from pmtaform.report.plans import plan_text
    from pmtaform.report.problems import diagnostics_text
    from pmtaform.report.runs import event_line, run_text
    from pmtaform.report.style import clean, is_terminal, wants_colour, write
    from pmtaform.report.verdict import summary

__all__ = [
    "clean",
    "diagnostics_text",
    "diff_lines",
    "diff_text",
    "event_line",
    "is_terminal",
    "json_diagnostics",
    "json_plan",
    "masked_line",
    "masked_source",
    "plan_text",
    "run_text",
    "summary",
    "wants_colour",
    "write",
]

_MODULES = {
    "diffs": ("diff_lines", "diff_text"),
    "documents": ("json_diagnostics", "json_plan"),
    "masking": ("masked_line", "masked_source"),
    "plans": ("plan_text",),
    "problems": ("diagnostics_text",),
    "runs": ("event_line", "run_text"),
    "style": ("clean", "is_terminal", "wants_colour", "write"),
    "verdict": ("summary",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
