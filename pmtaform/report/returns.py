"""What comes back with a rollback, as text: how much it changes, and the dangers of that."""

from __future__ import annotations

from pmtaform.plan.model import Action, HostPlan
from pmtaform.report.dangers import danger_lines, dangers_by_code
from pmtaform.report.style import WIDTH, Style


def counts_of(plan: HostPlan) -> dict[str, int]:
    """How many blocks are created, updated and deleted, by the verb."""
    return {action.verb: sum(1 for change in plan.changes if change.action is action) for action in Action}


def return_text(plan: HostPlan, *, colour: bool = False, width: int = WIDTH) -> str:
    """The blocks that change, counted, and every danger with its sentence."""
    style = Style(colour)
    counts = ", ".join(f"{number} to {verb}" for verb, number in counts_of(plan).items() if number)
    lines = [f"Of the configuration: {counts or 'nothing changes'}."]
    dangers = list(danger_lines(dangers_by_code(plan.all_dangers), style, width))
    if dangers:
        lines += ["", *dangers]
    return "\n".join(lines) + "\n"
