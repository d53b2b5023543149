"""The blocks that a choice (`--target`, `--exclude`) includes, so that no line names a missing block.

The references between blocks come from lint's table (lang/lint/references.py); there is no second one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pmtaform.diagnostics import Diagnostic
from pmtaform.diagnostics.codes.plans import DEPENDENCY_EXCLUDED, DEPENDENCY_INCLUDED
from pmtaform.lang import values
from pmtaform.lang.blocks import Address, address_of, blocks_of
from pmtaform.lang.includes import Configuration, include_path, may_name, single
from pmtaform.lang.joined import joined
from pmtaform.lang.lint.facts import Facts, Line, Part
from pmtaform.lang.lint.references import is_given, named_file, references
from pmtaform.lang.lint.subject import Subject
from pmtaform.model.desired import Desired
from pmtaform.plan.model import Action, HostPlan, LeftBy

_BY_CHOICE: Final = (LeftBy.TARGET, LeftBy.EXCLUDE)
_FILES: Final = ("dkim-key", "file")

Need = tuple[Address, ...]  # the blocks of which one must be there
Needs = Mapping[Address, frozenset[Need]]


@dataclass(frozen=True, slots=True)
class Along:
    """Blocks that are included with a choice, and those that should be but are excluded: (address, reason) pairs."""

    taken: Mapping[Address, str]
    refused: Mapping[Address, str]

    def notes(self, host: str) -> Iterator[Diagnostic]:
        """The notes of a plan on them."""
        for address, why in self.taken.items():
            yield DEPENDENCY_INCLUDED.diagnostic(
                f"{address} is included because {why}.", host=host, address=str(address)
            )
        for address, why in self.refused.items():
            detail = f"{address} is excluded, and {why}. Leave it out of --exclude, or exclude both."
            yield DEPENDENCY_EXCLUDED.diagnostic(
                detail,
                host=host,
                address=str(address),
            )


def along(desired: Desired, live: Configuration, ours: Mapping[str, Address], plan: HostPlan) -> Along:
    """The blocks outside of the choice that a plan for chosen blocks also needs.

    `ours` are the files that an earlier apply wrote, by their paths.
    """
    left = {Address.parse(each.address): (each.action, each.by) for each in plan.left if each.by in _BY_CHOICE}
    chosen = {Address.parse(change.address): change.action for change in plan.changes}
    if not left or not chosen:
        return Along({}, {})
    files = {**ours, **{each.path: each.address for each in desired.whole_files}}
    return _Closure(desired, live, files, left, chosen).run()


class _Closure:
    """Follows the needs of each chosen change, until nothing more is needed."""

    def __init__(
        self,
        desired: Desired,
        live: Configuration,
        files: Mapping[str, Address],
        left: Mapping[Address, tuple[Action, LeftBy]],
        chosen: dict[Address, Action],
    ) -> None:
        wanted = single(joined((part for b in desired.blocks.values() for part in b.parts), desired.config))
        self.wanted = _with_includes(needs_of(wanted, files), desired, live)
        self.live = needs_of(live, files)
        self.there = blocks_of(live).keys()
        self.left = left
        self.chosen = chosen
        self.taken: dict[Address, str] = {}
        self.refused: dict[Address, str] = {}

    def run(self) -> Along:
        pending = list(self.chosen)
        while pending:
            address = pending.pop()
            find = self._named_after if self.chosen[address] is Action.DELETE else self._needed_by
            for other, why in find(address):
                action, by = self.left[other]
                if by is LeftBy.EXCLUDE:
                    self.refused.setdefault(other, why)
                elif other not in self.chosen:
                    self.chosen[other] = action
                    self.taken[other] = why
                    pending.append(other)
        return Along(self.taken, self.refused)

    def _needed_by(self, address: Address) -> Iterator[tuple[Address, str]]:
        """The blocks that a written block names and that the host does not have yet."""
        for need in self.wanted.get(address, ()):
            if not any(self._will_be(each) for each in need):
                for each in need:
                    if self.left.get(each, (None,))[0] is Action.CREATE:
                        yield each, f"{address} names it"

    def _named_after(self, address: Address) -> Iterator[tuple[Address, str]]:
        """The blocks that still name a removed block, and would not if they were changed, too."""
        for other, needs in self.live.items():
            broken = [need for need in needs if address in need and not any(self._will_be(each) for each in need)]
            if broken and other in self.left and other not in self.chosen:
                is_gone = self.left[other][0] is Action.DELETE
                if is_gone or self.wanted.get(other, frozenset()).isdisjoint(broken):
                    yield other, f"it names {address}, which is removed"

    def _will_be(self, address: Address) -> bool:
        action = self.chosen.get(address)
        if address.kind in _FILES and action is None:
            return address not in self.left or self.left[address][0] is not Action.CREATE
        return action is not Action.DELETE if action is not None else address in self.there


def needs_of(configuration: Configuration, files: Mapping[str, Address]) -> Needs:
    """The blocks that each block of a configuration names; `files` are the files of a stack by their paths."""
    facts = Facts(Subject(configuration=configuration))
    by_address: dict[Address, set[Need]] = {}
    for user, need in _pairs(facts, files):
        by_address.setdefault(_home(user), set()).add(need)
    return {address: frozenset(needs) for address, needs in by_address.items()}


def _with_includes(needs: Needs, desired: Desired, live: Configuration) -> Needs:
    """A block in a separate file needs the block that includes that file."""
    all_needs = dict(needs)
    includes = [address for address in desired.blocks if address.kind == "include"]
    for address, path in desired.files.items():
        leading = tuple(each for each in includes if may_name(each.key, path) and each != address)
        if leading and path not in live.trees:
            all_needs[address] = all_needs.get(address, frozenset()) | {leading}
    return all_needs


def _pairs(facts: Facts, files: Mapping[str, Address]) -> Iterator[tuple[Line | Part, Need]]:
    for reference in references(facts).all:
        if not is_given(reference.name):
            names = ((kind, values.normalise_argument(kind, reference.name)) for kind in reference.kinds)
            yield reference.line, tuple(Address(kind, name) for kind, name in names)
    for user, name in references(facts).macros:
        yield user, (Address("domain-macro", name),)
    for line in facts.lines:
        path = include_path(line.value) if line.name == "include" else named_file(line)
        if path in files:
            yield line, (files[path],)


def _home(user: Line | Part) -> Address:
    """The block that a line or section belongs to."""
    top = user if isinstance(user, Part) else user.within
    while top is not None and top.within is not None:
        top = top.within
    return address_of(top.node if top is not None else user.node)
