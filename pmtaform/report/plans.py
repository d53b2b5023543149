"""A plan as people read it: the verdict first, then what changes, what to know, and what needs consent."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pmtaform.plan.findings import error_names
from pmtaform.plan.model import Plan
from pmtaform.report.changes import MOST_LINES, change_lines
from pmtaform.report.dangers import danger_lines, dangers_by_code
from pmtaform.report.diffs import diff_styles
from pmtaform.report.grouping import HostGroup, collected, groups, hostless, listed, notes, together
from pmtaform.report.problems import problem_lines
from pmtaform.report.style import WIDTH, Style, clean, counted, named, wrapped
from pmtaform.report.verdict import verdict
from pmtaform.report.views import Screen

if TYPE_CHECKING:
    from pmtaform.dkim.status import KeyStatus
    from pmtaform.lang.effective import PairChange
    from pmtaform.plan.document import Sealer


def plan_text(
    plan: Plan,
    *,
    colour: bool = False,
    width: int = WIDTH,
    diffs: Mapping[str, Sequence[str]] | None = None,
    most: int | None = MOST_LINES,
) -> str:
    """The whole plan, with a newline at its end.

    `diffs` are the lines of `diff_lines` by host, to be shown too; `most` bounds the values shown of one change
    (None: all).
    """
    style = Style(colour)
    lines = [style(verdict(plan), "bold")]
    for group in groups(plan):
        lines += ["", *_group(group, style, width, most)]
    for section in (
        _diffs(diffs or {}, style),
        _notes(plan, style, width),
        _left(plan, width, style),
        _counts(plan, width),
        _dangers(plan, style, width),
        _failures(plan, style, width),
    ):
        section_lines = list(section)
        if section_lines:
            lines += ["", *section_lines]
    return "\n".join(lines) + "\n"


def _group(group: HostGroup, style: Style, width: int, most: int | None) -> Iterator[str]:
    version = f", PowerMTA {named(_releases(group.versions), 2)}" if group.versions else ""
    yield listed(group.hosts, style) + version
    for change in group.changes:
        yield ""
        yield from change_lines(change, style, width, most)


def _releases(versions: Sequence[str]) -> list[str]:
    """The releases alone, out of `PowerMTA v5.0r8 (2020-11-05, 64-bit; …).`, as `pmta show version` prints it."""
    return list(dict.fromkeys(v.removeprefix("PowerMTA ").partition(" (")[0].rstrip(".") for v in versions))


def _diffs(diffs: Mapping[str, Sequence[str]], style: Style) -> Iterator[str]:
    for number, (lines, hosts) in enumerate(collected((tuple(diffs[host]), host) for host in diffs if diffs[host])):
        if number:
            yield ""
        yield style(f"Text diff of {named(hosts)}:", "bold")
        yield from (style(line, *diff_styles(line)) for line in lines)


def _notes(plan: Plan, style: Style, width: int) -> Iterator[str]:
    grouped = notes(plan)
    if not grouped:
        return
    yield style("To know:", "bold")
    for note, hosts in grouped:
        yield from problem_lines(note, style, width, indent="  ", hosts=named(hosts))


def _left(plan: Plan, width: int, style: Style) -> Iterator[str]:
    """What differs and stays so, by what keeps it; the JSON names all of it."""
    if not plan.left:
        return
    yield style("Left different:", "bold")
    by_kind = collected(((left.by, left.action), f"{host}:{left.address}") for host, left in plan.left)
    for (by, action), addresses in by_kind:
        yield from wrapped(f"{by}, else to {action.verb}: {named(addresses)}", width, "  ")


def _counts(plan: Plan, width: int) -> Iterator[str]:
    """What is counted rather than listed: for one block, and for several."""
    for numbers, one, many in (
        (
            [len(host.adopted) for host in plan.hosts],
            "is already as declared and becomes pmtaform's",
            "are already as declared and become pmtaform's",
        ),
        (
            [len(host.forgotten) for host in plan.hosts],
            "is no longer declared, is already gone, and is forgotten",
            "are no longer declared, are already gone, and are forgotten",
        ),
        (
            [host.unmanaged for host in plan.hosts],
            "is not declared and stays unchanged",
            "are not declared and stay unchanged",
        ),
    ):
        pairs = zip(numbers, (host.host for host in plan.hosts), strict=True)
        for number, hosts in collected(pair for pair in pairs if pair[0]):
            what = one if number == 1 else many
            yield from wrapped(f"{counted(number, 'block')} on {_each(hosts)} {what}.", width, "")


def _each(hosts: Sequence[str]) -> str:
    return ("each of " if len(hosts) > 1 else "") + named(hosts)


def _dangers(plan: Plan, style: Style, width: int) -> Iterator[str]:
    by_code = dangers_by_code(plan.dangers)
    errors = error_names(plan)
    if not by_code and not errors:
        return
    yield from danger_lines(by_code, style, width)
    if by_code:
        yield ""
    if errors:
        text = f"Errors that the plan causes or writes: {', '.join(errors)}. They stop an apply unless allowed."
        yield from wrapped(text, width, "")
    allowed = " ".join(f"--allow {shlex.quote(clean(code))}" for code in dict.fromkeys([*by_code, *errors]))
    yield f"To consent: pmtaform apply {shlex.quote(clean(plan.stack))} {allowed}"


def _failures(plan: Plan, style: Style, width: int) -> Iterator[str]:
    if not plan.failures:
        return
    yield style("Hosts without a plan:", "bold", "red")
    for problem, hosts in together((hostless(d), host) for host, d in plan.failures.items()):
        yield from problem_lines(problem, style, width, indent="  ", hosts=named(hosts))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """A plan; what is left empty is not shown.

    `diffs` are the lines of the text diffs by host, `statuses` the keys that rotate, `effects` those on queues.
    `ahead`: it is a plan for a future date. With a `sealer`, the JSON can be applied as a plan file can.
    """

    plan: Plan
    diffs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    statuses: Sequence[KeyStatus] = ()
    effects: Mapping[str, Sequence[PairChange]] | None = None
    ahead: bool = False
    sealer: Sealer | None = None

    def text(self, screen: Screen) -> str:
        """The plan, the keys that rotate, and the effects on queues."""
        parts = [plan_text(self.plan, colour=screen.colour, width=screen.width, diffs=self.diffs)]
        if self.statuses:
            from pmtaform.report.rotations import rotations_text

            parts.append(rotations_text(self.statuses, ahead=self.ahead, colour=screen.colour, width=screen.width))
        if self.effects is not None:
            from pmtaform.report.effects import effects_text

            parts.append(effects_text(self.effects, colour=screen.colour, width=screen.width))
        return "".join(parts)

    def json(self) -> str:
        """A document of kind `pmtaform-plan`."""
        from pmtaform.report.documents import json_plan
        from pmtaform.report.effects import effect_rows
        from pmtaform.report.rotations import rotation_rows

        effects = None if self.effects is None else effect_rows(self.effects)
        rotations = rotation_rows(self.statuses) if self.statuses else None
        return json_plan(self.plan, effects, rotations, sealer=self.sealer)
