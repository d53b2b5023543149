"""The rotation of keys in a plan: look at hosts again until what they have and what they should have agree."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from pmtaform.diagnostics.codes.command_line import SHARD_SPLITS_KEY
from pmtaform.errors import UsageError
from pmtaform.inspection.verdict import HostVerdict
from pmtaform.planning.draft import Draft
from pmtaform.planning.step import Step
from pmtaform.stack import Stack
from pmtaform.state import StateDocument

if TYPE_CHECKING:
    from pmtaform.rollout.model import RunResult
    from pmtaform.signing.fleet_rotation import FleetRotation


class RotationStep(Step):
    """Decides which selectors hosts have, by their history, by DNS and by the selectors that hosts sign with."""

    reads_all = True
    _rotation: FleetRotation

    @staticmethod
    def applies(stack: Stack) -> bool:
        """Whether any key of the stack rotates."""
        from pmtaform.stack.rotations import rotated_keys

        return bool(rotated_keys(stack))

    def prepare(self, draft: Draft) -> None:
        """Decide on the selectors by what is known before hosts are looked at."""
        from pmtaform.plan.signing import NOT_PUBLISHED
        from pmtaform.signing.fleet_rotation import RotationRequest, start_rotation

        request = draft.request
        rotation = start_rotation(
            RotationRequest(
                stack=draft.stack,
                file=draft.project.rotations(draft.stack.name),
                state=draft.state,
                resolve=draft.resolve,
                now=request.clock.now(),
                as_of=request.as_of,
                resolver=request.resolver,
                force=NOT_PUBLISHED in request.allow,
            )
        )
        assert rotation is not None  # the step applies
        _check_undivided(draft, rotation)
        self._rotation, draft.stack = rotation, rotation.stack

    def reconcile(self, draft: Draft) -> Collection[str]:
        """Decide again by what hosts have. Return the hosts of rotated keys while that changes the selectors.

        A switch to a new selector that is held stays held, so this ends.
        """
        from pmtaform.planning.rotation_notes import verified_signers

        rotation = self._rotation
        again: list[str] = []
        while not again and rotation.observe(draft.fleet, _unable(draft)):
            hosts = {host for key in rotation.keys.values() for host in key.hosts}
            again = [name for name in draft.fleet.surveys if name in hosts]
        draft.stack, draft.statuses = rotation.stack, tuple(rotation.statuses.values())
        draft.verified = verified_signers(rotation)
        return again

    def advise(self, draft: Draft) -> None:
        """Add the dangers of selectors that are not published, and notes on hosts that sign otherwise."""
        from pmtaform.planning.rotation_notes import run_notes, with_rotation_notes

        draft.hosts = tuple(with_rotation_notes(self._rotation, draft.hosts))
        draft.notes += run_notes(self._rotation)

    def together(self) -> Mapping[str, str]:
        """The hosts of a key that switches change together or not at all."""
        return self._rotation.together

    def record(self, result: RunResult, state: StateDocument, now: datetime) -> None:
        """Store which hosts switched, and which key files are gone."""
        self._rotation.record(result, state, now.replace(microsecond=0))


def _check_undivided(draft: Draft, rotation: FleetRotation) -> None:
    """Raise `UsageError` where a plan for one shard has some hosts of a rotated key, and not all."""
    shard = draft.request.choice.shard
    if shard is None or not draft.request.validate:
        return
    for name, key in rotation.keys.items():
        own = shard.of(key.hosts)
        if own and len(own) < len(key.hosts):
            raise UsageError.of(
                SHARD_SPLITS_KEY,
                f"{name} is on {len(key.hosts)} hosts, and shard {shard} has {len(own)} of them. They switch to a new "
                "selector together, so plan without --shard.",
            )


def _unable(draft: Draft) -> dict[str, str]:
    """The reason why each host cannot change in this run, as the rest of a sentence that begins with its name."""
    fleet = draft.fleet
    reasons = {
        name: f"could not be looked at: {problem.diagnostics[0].summary}" for name, problem in fleet.failures.items()
    }
    now = draft.request.moment()
    frozen_too = "frozen" in draft.request.allow
    at_rest = {name: _at_rest(survey, now, frozen_too=frozen_too) for name, survey in fleet.surveys.items()}
    return reasons | {name: reason for name, reason in at_rest.items() if reason}


def _at_rest(survey: HostVerdict, now: datetime, *, frozen_too: bool) -> str:
    freeze = survey.target.operations.frozen(now)
    if freeze is not None and not frozen_too:
        return f"is frozen until {freeze.until:%Y-%m-%d %H:%M %Z}: {freeze.reason}"
    if survey.plan.is_busy:
        return "is being changed right now"
    return ""
