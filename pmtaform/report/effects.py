"""What a plan does to queues, as text for people and data for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pmtaform.lang.effective import MOST_CHANGES, PairChange
from pmtaform.report.differences import json_pair, pair_lines
from pmtaform.report.grouping import collected
from pmtaform.report.style import WIDTH, Style, clean, counted, named


def effects_text(effects: Mapping[str, Sequence[PairChange]], *, colour: bool = False, width: int = WIDTH) -> str:
    """The queues that change, hosts with the same effects together. No host with changes: the empty text."""
    style = Style(colour)
    lines: list[str] = []
    for pairs, hosts in collected((tuple(pairs), host) for host, pairs in effects.items()):
        lines += ["", *_host(pairs, hosts, style, width)]
    return "\n".join(lines) + "\n" if lines else ""


def _host(pairs: Sequence[PairChange], hosts: Sequence[str], style: Style, width: int) -> Iterator[str]:
    yield style(f"Effect on the queues of {clean(named(hosts))}:", "bold")
    if not pairs:
        yield "  None: every queue and virtual MTA uses the values that it used before."
        return
    for pair in pairs:
        yield from pair_lines(pair, style, width)
    if len(pairs) >= MOST_CHANGES:
        yield f"  … and more: {counted(MOST_CHANGES, 'pair')} are shown."


def effect_rows(effects: Mapping[str, Sequence[PairChange]]) -> list[dict[str, Any]]:
    """The effects as JSON data, one object a host."""
    return [{"host": host, "pairs": [json_pair(pair) for pair in pairs]} for host, pairs in effects.items()]
