"""What needs consent by name: in a plan as text, and as the table of `docs/dangers.md`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from pmtaform.plan.model import Danger
from pmtaform.report.grouping import collected
from pmtaform.report.style import Style, clean, named, wrapped

MOST_TOLD: Final = 12  # sentences of one code


def dangers_by_code(dangers: Iterable[tuple[str, Danger]]) -> dict[str, list[tuple[Danger, list[str]]]]:
    """Each danger once, with the addresses that it is about; the worst code first, and the worst danger of each."""
    listed = list(dangers)
    if not listed:
        return {}
    from pmtaform.plan.dangers import danger_kinds

    dangers_ = sorted(collected((danger, address) for address, danger in listed), key=lambda one: -one[0].weight)
    codes = dict.fromkeys((*danger_kinds(), *(danger.code for danger, _ in dangers_)))
    groups = {code: [one for one in dangers_ if one[0].code == code] for code in codes}
    return {code: group for code, group in groups.items() if group}


def danger_lines(groups: Mapping[str, Sequence[tuple[Danger, list[str]]]], style: Style, width: int) -> Iterator[str]:
    """The dangers of a plan by code: what the code means once, then each danger with its addresses."""
    if not groups:
        return
    from pmtaform.plan.dangers import danger_kinds

    yield style("Dangers, which need consent by name:", "bold", "red")
    kinds = danger_kinds()
    for code, dangers in groups.items():
        yield ""
        yield "  " + style(clean(code), "red", "bold")
        if code in kinds:
            yield from (style(line, "dim") for line in wrapped(f"({kinds[code].summary})", width, "  "))
        for danger, addresses in dangers[:MOST_TOLD]:
            yield from wrapped(named(addresses), width, "    ")
            yield from wrapped(danger.detail, width, "      ")
        if len(dangers) > MOST_TOLD:
            yield f"    ... and {len(dangers) - MOST_TOLD} more; --format json has all"


def danger_documents(dangers: Iterable[tuple[str, Danger]]) -> list[dict[str, Any]]:
    """The dangers as JSON data, worst first, each once (`plan.document.DANGERS` describes them)."""
    if not (groups := dangers_by_code(dangers)):
        return []
    from pmtaform.plan.dangers import danger_kinds

    kinds = danger_kinds()
    return [
        {
            "code": code,
            "meaning": kinds[code].summary if code in kinds else "",
            "detail": danger.detail,
            "addresses": addresses,
        }
        for code, group in groups.items()
        for danger, addresses in group
    ]


def danger_table() -> str:
    """The codes of all dangers as a Markdown table, worst first."""
    from pmtaform.plan.dangers import consent_kinds

    rows = [f"| `{code}` | {kind.summary} | {_cell(kind.explanation)} |" for code, kind in consent_kinds().items()]
    return "\n".join(["| code | what it costs | explanation |", "| --- | --- | --- |", *rows]) + "\n"


def _cell(explanation: str) -> str:
    """An explanation on one line, its command as code."""
    text, _, command = explanation.partition("\n    ")
    return f"{text} `{command}`" if command else text
