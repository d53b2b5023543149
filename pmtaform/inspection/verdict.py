"""What remains of a host once it is compared: values and compressed texts, and no tree.

For 5,000 lines that differ this is 0.1 MB, and a survey 10 MB. What is asked for after the plan is made, and rarely
(`drift`, `plan --diff`, rotation), opens a verdict again: one host at a time.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pmtaform.errors import PmtaformError
from pmtaform.host import Session, Snapshot
from pmtaform.inspection.basis import Basis, blocks_left
from pmtaform.inspection.survey import NotCompiled, Survey, Target
from pmtaform.lang.blocks import Address, Block
from pmtaform.lang.splices import FileEdit
from pmtaform.lang.tree import split_lines
from pmtaform.model.desired import Desired
from pmtaform.parallel import run_all
from pmtaform.plan.block_digests import Keyed
from pmtaform.plan.diff import Difference
from pmtaform.plan.model import HostPlan
from pmtaform.plan.owned_blocks import OwnedBlocks
from pmtaform.state import Seal

if TYPE_CHECKING:
    from pmtaform.inspection.prepared import Prepared

_CLOSED_AT_ONCE: Final = 32
_FAST: Final = 1  # zlib's level: 150 kB become 12 kB in 1 ms


@dataclass(frozen=True, slots=True)
class PackedEdit:
    """An edit of a file, with the lines before it compressed."""

    edit: FileEdit  # without its lines
    before: bytes

    @classmethod
    def of(cls, edit: FileEdit) -> PackedEdit:
        """The edit, compressed."""
        return cls(replace(edit, before=()), _packed("".join(edit.before).encode("utf-8", "surrogateescape")))

    def opened(self) -> FileEdit:
        """The edit."""
        return replace(self.edit, before=split_lines(zlib.decompress(self.before).decode("utf-8", "surrogateescape")))


@dataclass(frozen=True, slots=True, kw_only=True)
class HostVerdict:
    """The result for one host. The session is open until the caller closes it.

    `snapshot` has no contents, `difference` no edits, and `basis` no blocks: `opened` has them. `advice` is what steps
    found out about the host, by the step's name. `prepared` is there for an apply.
    """

    target: Target
    plan: HostPlan
    snapshot: Snapshot
    difference: Difference
    seal: Seal = field(repr=False)
    keyed: Keyed = field(repr=False)
    basis: Basis = field(default_factory=Basis, repr=False)
    contents: Mapping[str, bytes] = field(default_factory=dict, repr=False)  # compressed
    edits: Mapping[str, PackedEdit] = field(default_factory=dict, repr=False)
    left: Mapping[str, bytes] | None = field(default=None, repr=False)  # what the last apply left, compressed
    advice: Mapping[str, Any] = field(default_factory=dict, repr=False)
    prepared: Prepared | None = field(default=None, repr=False)
    session: Session | None = field(default=None, repr=False)

    @property
    def desired(self) -> Desired:
        """What the host should have; compiled each time, so keep it while you need it."""
        return self.target.wanted.fresh().compiled.desired

    def opened(self) -> Survey:
        """All that was seen of the host, parsed and compiled again where it is read."""
        files = {
            path: replace(file, content=zlib.decompress(self.contents[path])) if path in self.contents else file
            for path, file in self.snapshot.files.items()
        }
        edits = {path: packed.opened() for path, packed in self.edits.items()}
        target, basis = self.target.fresh(), self.basis
        if self.left is not None:
            left = {path: zlib.decompress(content) for path, content in self.left.items()}
            basis = replace(basis, blocks=blocks_left(target.spec, left, basis.patterns))
        return Survey(
            target=target,
            snapshot=replace(self.snapshot, files=files),
            difference=replace(self.difference, plan=self.plan, edits=edits, owned=owned_by(target, self.difference)),
            seal=self.seal,
            keyed=self.keyed,
            basis=basis,
        )


def verdict_of(survey: Survey, advice: Mapping[str, Any], prepared: Prepared | None) -> HostVerdict:
    """What remains of a survey."""
    snapshot, basis, target = survey.snapshot, survey.basis, survey.target.fresh()
    contents = {path: file.content for path, file in snapshot.files.items() if file.content is not None}
    files = {path: replace(file, content=None) for path, file in snapshot.files.items()} if contents else snapshot.files
    left = basis.contents if basis.blocks is not None else None
    return HostVerdict(
        target=target,
        plan=survey.plan,
        snapshot=replace(snapshot, files=files) if contents else snapshot,
        difference=replace(survey.difference, edits={}, owned=owned_by(target, survey.difference)),
        seal=survey.seal,
        keyed=survey.keyed,
        basis=basis.without_texts(),
        contents={path: _packed(content) for path, content in contents.items()},
        edits={path: PackedEdit.of(edit) for path, edit in survey.difference.edits.items()},
        left={path: _packed(content) for path, content in left.items()} if left is not None else None,
        advice=advice,
        prepared=prepared,
    )


def owned_by(target: Target, difference: Difference) -> Mapping[str, str]:
    """What a difference owns, with the blocks of a target that may be compiled again."""
    owned = difference.owned
    return owned.with_blocks(partial(_declared, target)) if isinstance(owned, OwnedBlocks) else owned


def _declared(target: Target) -> Mapping[Address, Block]:
    return target.desired.blocks


def _packed(content: bytes) -> bytes:
    return zlib.compress(content, _FAST)


@dataclass(slots=True)
class Fleet:
    """The verdicts on a fleet, and the hosts that could not be looked at.

    `invalid` are hosts for which the stack could not be compiled: then there is no plan.
    """

    surveys: dict[str, HostVerdict] = field(default_factory=dict)
    failures: dict[str, PmtaformError] = field(default_factory=dict)
    invalid: dict[str, NotCompiled] = field(default_factory=dict)

    def close(self) -> None:
        """Close every session that is still open."""
        close_sessions(self.surveys.values())


def close_sessions(verdicts: Iterable[HostVerdict]) -> None:
    """Close the sessions of these hosts, at the same time."""
    sessions = [verdict.session for verdict in verdicts if verdict.session is not None]
    run_all(sessions, lambda session: session.close(), parallel=_CLOSED_AT_ONCE)
