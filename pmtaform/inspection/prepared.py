"""A host and its change as values: what a run needs to make, check, record and undo the change.

A survey holds the trees of both sides of a change, 4 MB for 5,000 lines. What is prepared from it holds texts and
digests: 0.2 MB, so that a run over many hosts needs memory in proportion to what it writes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from pmtaform.host import (
    Activation,
    FileKind,
    FileRemoval,
    FileWrite,
    HostSpec,
    Known,
    LeftRecord,
    ListenerAddress,
    Session,
    Snapshot,
    digest,
)
from pmtaform.inspection.activation import activation_of, restarts_all, services_wanted
from pmtaform.inspection.inputs import SettledInputs, settled
from pmtaform.inspection.listeners import listeners, log_files
from pmtaform.inspection.managed_files import file_write, new_fragments
from pmtaform.inspection.predictions import Prediction
from pmtaform.inspection.reading import ChangeReading, contents_of, reading_of
from pmtaform.inspection.recording import Recording, record_after, record_before
from pmtaform.inspection.survey import Survey
from pmtaform.inspection.verdict import HostVerdict
from pmtaform.lang.blocks import Address
from pmtaform.lang.includes import Configuration, include_arguments, is_pattern, read_configuration
from pmtaform.model.desired import KeyFile
from pmtaform.model.operations import Operations
from pmtaform.plan.model import HostPlan
from pmtaform.plan.services import WEB
from pmtaform.state import Seal

_FAST = 1  # zlib's level: 150 kB become 12 kB in 1 ms


@dataclass(frozen=True, slots=True, kw_only=True)
class BothTexts:
    """The configuration of a host before and after its change. It is parsed again where something went wrong."""

    main: str
    packed: Mapping[str, bytes] = field(repr=False)  # path -> content before the change, compressed
    edited: Mapping[str, bytes] = field(repr=False)  # path -> content after it, of the files that change
    patterns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def before(self) -> Configuration:
        """The configuration that the host has."""
        return read_configuration(self.main, self._contents(), self.patterns)

    def after(self) -> Configuration:
        """The configuration that the host will have."""
        return read_configuration(self.main, self._contents() | dict(self.edited), self.patterns)

    def contents(self) -> Iterator[bytes]:
        """The content of each file, before the change and after it."""
        yield from self._contents().values()
        yield from self.edited.values()

    def _contents(self) -> dict[str, bytes]:
        return {path: zlib.decompress(content) for path, content in self.packed.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedChange:
    """The change of a host: the files to write and to remove, and what must be so afterwards.

    `pools` are the pools that the host is in; `before` is the record that an undo restores.
    """

    writes: tuple[FileWrite, ...]
    removals: tuple[FileRemoval, ...]
    activation: Activation
    restart_web: bool
    listeners: tuple[ListenerAddress, ...]
    logs: tuple[str, ...]
    predictions: tuple[Prediction, ...]
    pools: frozenset[str]
    before: Recording
    texts: BothTexts


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A host that was inspected. `change` is None where it needs none.

    `snapshot` has no contents. `wanted` is the digest of each file that the host must have afterwards, `patterns` are
    the include patterns then, and `after` is the record of it: None where the contents were not read, because the host
    is as the last apply left it. `settled` None: something is left to do there after the change. `last` is the host's
    own record, where that is what it was compared with. The session is open until the caller closes it.
    """

    spec: HostSpec
    operations: Operations
    groups: tuple[str, ...]
    plan: HostPlan
    snapshot: Snapshot
    seal: Seal = field(repr=False)
    owned: Mapping[str, str]  # address -> keyed digest, once applied
    owned_keys: Mapping[str, str]  # address -> path, once applied
    last: LeftRecord | None
    settled: SettledInputs | None = None
    session: Session | None = field(default=None, repr=False)
    wanted: Mapping[str, str] = field(default_factory=dict)
    patterns: tuple[str, ...] = ()
    after: Recording | None = None
    change: PreparedChange | None = None

    @property
    def name(self) -> str:
        """The host's name."""
        return self.spec.name

    @property
    def to_look_at(self) -> Known:
        """The files to read after the confirmation: all of them, with content only where the digest differs."""
        snapshot = self.snapshot
        return Known(
            files=dict(self.wanted),
            patterns=self.patterns,
            version=snapshot.version,
            version_stamp=snapshot.version_stamp,
        )


def prepared_of(verdict: HostVerdict) -> Prepared:
    """The values of a host, with its open session."""
    prepared = verdict.prepared or prepare(verdict.opened())
    return replace(prepared, plan=verdict.plan, session=verdict.session)


def prepare(survey: Survey, reading: ChangeReading | None = None) -> Prepared:
    """The values of a survey. `reading` are the sides of its change, if the caller has them."""
    prepared = _as_inspected(survey)
    if not survey.plan.changes and _is_unread(survey):
        return prepared
    reading = reading or reading_of(survey)
    contents = contents_of(survey)
    edits = {path: edit.content for path, edit in survey.difference.edits.items()}
    edited = edits | new_fragments(survey)
    writes = _writes(survey, edits)
    wanted = _wanted(survey, reading.after, contents | edited, writes)
    patterns = {a for tree in reading.after.trees.values() for a, _, _ in include_arguments(tree) if is_pattern(a)}
    texts = BothTexts(
        main=survey.target.spec.config,
        packed={path: zlib.compress(content, _FAST) for path, content in contents.items()},
        edited=edited,
        patterns=survey.snapshot.patterns,
    )
    return replace(
        prepared,
        wanted=wanted,
        patterns=tuple(sorted(patterns)),
        after=record_after(survey, reading.after, contents | edited, wanted, writes),
        change=_change(survey, reading, writes, texts) if survey.plan.changes else None,
    )


def _as_inspected(survey: Survey) -> Prepared:
    target, last = survey.target, survey.basis.by
    files = {path: replace(file, content=None) for path, file in survey.snapshot.files.items()}
    return Prepared(
        spec=target.spec,
        operations=target.operations,
        groups=target.groups,
        plan=survey.plan,
        snapshot=replace(survey.snapshot, files=files),
        seal=survey.seal,
        owned=dict(survey.difference.owned),
        owned_keys=survey.difference.owned_keys,
        last=last.left if last is not None else None,
        settled=settled(survey),
    )


def _is_unread(survey: Survey) -> bool:
    """Whether a file of the configuration was known by its digest alone."""
    keys = survey.difference.owned_keys.values()
    return any(file.content is None for path, file in survey.snapshot.files.items() if path not in keys)


def _change(survey: Survey, reading: ChangeReading, writes: tuple[FileWrite, ...], texts: BothTexts) -> PreparedChange:
    spec, difference = survey.target.spec, survey.difference
    services = services_wanted(survey.plan.changes)
    activation = activation_of(spec, services)
    is_active = activation is not Activation.NONE
    return PreparedChange(
        writes=writes,
        removals=tuple(FileRemoval(path=path, kind=FileKind.KEY) for path in difference.remove_keys),
        activation=activation,
        restart_web=WEB in services and not restarts_all(spec),
        listeners=listeners(spec, reading.before, reading.after) if is_active else (),
        logs=log_files(reading.before, reading.after) if is_active else (),
        predictions=reading.predictions if is_active and difference.edits else (),
        pools=frozenset(
            address.key
            for address in survey.target.desired.blocks
            if isinstance(address, Address) and address.kind == "virtual-mta-pool"
        ),
        before=record_before(survey, reading.before),
        texts=texts,
    )


def _writes(survey: Survey, edits: Mapping[str, bytes]) -> tuple[FileWrite, ...]:
    return (
        *(FileWrite(path=path, content=content) for path, content in edits.items()),
        *(_key_write(key) for key in survey.difference.write_keys),
        *(file_write(file) for file in survey.difference.write_files),
    )


def _key_write(key: KeyFile) -> FileWrite:
    """The write of a key file. Its secret was resolved."""
    if key.private_key is None:
        raise AssertionError("a key that was not resolved cannot be written")
    return FileWrite(
        path=key.path,
        content=key.private_key.reveal(),
        kind=FileKind.KEY,
        mode=key.mode,
        owner=key.owner,
        group=key.group,
    )


def _wanted(
    survey: Survey, after: Configuration, contents: Mapping[str, bytes], writes: tuple[FileWrite, ...]
) -> dict[str, str]:
    """Every file that the host must have afterwards, and its digest."""
    wanted = {path: digest(contents[path]) for path in after.trees if path in contents}
    keys = {write.path: digest(write.content) for write in writes if write.kind is FileKind.KEY}
    for path in set(survey.difference.owned_keys.values()) - keys.keys():
        live = survey.snapshot.files.get(path)
        if live is not None:
            keys[path] = live.digest
    return wanted | keys
