"""Whether the inputs of a host's configuration identify its whole state, so that the next plan need not read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pmtaform.host import Snapshot, digest
from pmtaform.inspection.managed_files import content_of
from pmtaform.inspection.probing import is_as_left
from pmtaform.inspection.survey import Survey
from pmtaform.model.desired import Desired
from pmtaform.plan.diff import unchanged
from pmtaform.plan.inputs import Previous
from pmtaform.state import HostInputs


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A key or managed file as the stack declares it. None: it declares nothing."""

    digest: str
    mode: int | None = None
    owner: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class SettledInputs:
    """The inputs of a host on which nothing is left to do once `paths` are there and the `whole` files are as declared.

    The next plan then finds no difference by the state alone.
    """

    inputs: HostInputs
    paths: frozenset[str] = frozenset()
    whole: Mapping[str, WholeFile] = field(default_factory=dict)

    def inputs_of(self, snapshot: Snapshot) -> HostInputs | None:
        """The inputs to record with this snapshot; None if something is left to do."""
        if snapshot.unsettled or not self.paths <= snapshot.files.keys():
            return None
        return self.inputs if all(_is_as_declared(snapshot, *item) for item in self.whole.items()) else None


def settled(survey: Survey) -> SettledInputs | None:
    """The inputs of a host, if its difference leaves nothing to do there. What is left unchanged on purpose counts."""
    target, difference = survey.target, survey.difference
    previous = target.previous
    if target.is_same and previous is not None and is_as_left(survey.snapshot, previous, survey.seal):
        return SettledInputs(previous.inputs) if previous.inputs is not None else None
    inputs = target.wanted.compiled.inputs
    if inputs is None:
        return None
    after = Previous(difference.owned, difference.owned_keys, difference.plan.unmanaged)
    if not unchanged(target.desired, after, survey.keyed):
        return None
    # A plan names a file that a block belongs in and that is not there, so it has to be there.
    return SettledInputs(inputs, frozenset(target.desired.files.values()), _whole(target.desired))


def _whole(desired: Desired) -> dict[str, WholeFile]:
    keys = {
        key.path: WholeFile(digest(key.private_key.reveal()) if key.private_key is not None else "")
        for key in desired.keys
    }
    others = {
        file.path: WholeFile(digest(content_of(file)), file.mode, file.owner, file.group) for file in desired.managed
    }
    return keys | others


def _is_as_declared(snapshot: Snapshot, path: str, wanted: WholeFile) -> bool:
    live = snapshot.files.get(path)
    if live is None or live.digest != wanted.digest:
        return False
    pairs = ((wanted.mode, live.mode), (wanted.owner, live.owner), (wanted.group, live.group))
    return all(want is None or want == has for want, has in pairs)
