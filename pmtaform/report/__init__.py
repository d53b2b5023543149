"""The only printers: plans, problems and runs as text for people and as JSON for programs.

Nothing here prints by itself but a watcher (`progress`); all else gives text, and `write` puts it on a stream. Text
that comes from hosts and stacks is cleaned of what a terminal would obey.
"""

from pmtaform.report.diffs import diff_lines, diff_text
from pmtaform.report.documents import json_diagnostics, json_event, json_plan, json_run
from pmtaform.report.masking import masked_line, masked_source
from pmtaform.report.plans import plan_text
from pmtaform.report.problems import diagnostics_text
from pmtaform.report.progress import LiveTable, PlainLines, Progress, progress
from pmtaform.report.runs import event_line, run_text
from pmtaform.report.style import clean, is_terminal, wants_colour, write
from pmtaform.report.verdict import summary, verdict

__all__ = [
    "LiveTable",
    "PlainLines",
    "Progress",
    "clean",
    "diagnostics_text",
    "diff_lines",
    "diff_text",
    "event_line",
    "is_terminal",
    "json_diagnostics",
    "json_event",
    "json_plan",
    "json_run",
    "masked_line",
    "masked_source",
    "plan_text",
    "progress",
    "run_text",
    "summary",
    "verdict",
    "wants_colour",
    "write",
]
