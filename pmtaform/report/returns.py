"""What comes back with a rollback, as text: how much it changes, and the dangers of that."""

from __future__ import annotations

from pmtaform.plan.model import Action, HostPlan
from pmtaform.report.grouping import collected
from pmtaform.report.style import WIDTH, Style, clean, named, wrapped


def return_text(plan: HostPlan, *, colour: bool = False, width: int = WIDTH) -> str:
    """The blocks that change, counted, and every danger with its sentence."""
    style = Style(colour)
    counts = {action: sum(1 for change in plan.changes if change.action is action) for action in Action}
    said = ", ".join(f"{number} to {action.verb}" for action, number in counts.items() if number)
    lines = [f"Of the configuration: {said or 'nothing changes'}."]
    by_code: dict[str, list[tuple[str, str]]] = {}
    for address, danger in plan.all_dangers:
        by_code.setdefault(danger.code, []).append((danger.detail, address))
    if by_code:
        lines += ["", style("Dangers, which need consent by name:", "bold", "red")]
    for code, pairs in by_code.items():
        lines += ["", "  " + style(clean(code), "red", "bold")]
        for detail, addresses in collected(pairs):
            lines += [*wrapped(named(addresses), width, "    "), *wrapped(detail, width, "      ")]
    return "\n".join(lines) + "\n"
