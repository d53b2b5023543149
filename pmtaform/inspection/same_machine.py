"""Two names of one machine: in a run that changes both, the first locks the second."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.diagnostics.codes.plans import SAME_MACHINE
from pmtaform.host import HostLock, HostSpec, Outcome, Status
from pmtaform.inspection.verdict import HostVerdict

_REMEDY = (
    "Keep one of the names. If they are clones of one image, give each its own machine id: remove /etc/machine-id on "
    "each clone and run systemd-machine-id-setup."
)


def same_machine(surveys: Iterable[HostVerdict]) -> Iterator[tuple[str, Diagnostic]]:
    """Notes on hosts that are most likely one machine, by the host's name."""
    places: dict[tuple[str, ...], list[str]] = {}
    for survey in surveys:
        spec, machine = survey.target.spec, survey.snapshot.machine_id
        for place in _places(spec, machine):
            places.setdefault(place, []).append(spec.name)
    notes: dict[str, Diagnostic] = {}
    for place, names in places.items():
        if len(names) > 1:
            notes |= {name: _note(place, names, name) for name in names if name not in notes}
    return iter(notes.items())


def _places(spec: HostSpec, machine: str) -> Iterator[tuple[str, ...]]:
    """The identities of a host: machine id and address. Folders of one machine are separate hosts."""
    root = spec.root.rstrip("/") or "/"
    if spec.transport.is_local:
        yield "folder", str(Path(root).resolve())
    else:
        yield "address", f"{spec.address or spec.name}:{spec.port or 22}", spec.proxy_jump or "", root
        if machine:
            yield "machine id", machine, root


def _note(place: tuple[str, ...], names: list[str], host: str) -> Diagnostic:
    return SAME_MACHINE.diagnostic(
        f"{', '.join(names)} have the same {place[0]} ({place[1]}). A machine takes one change at a time, so a "
        f"run that changes both finds the second one locked. {_REMEDY}",
        host=host,
    )


def locked_by(outcome: Outcome, run: str) -> str | None:
    """The host for which `run` itself holds the lock that an outcome met."""
    lock: HostLock | None = outcome.lock if outcome.status is Status.LOCKED else None
    if lock is None or not lock.transaction.startswith(f"{run}-"):
        return None
    return lock.transaction.removeprefix(f"{run}-")


def locked_out(host: str, other: str) -> Diagnostic:
    """The result for a host whose machine this run already changes under another name."""
    return SAME_MACHINE.diagnostic(
        f"This run itself changes the machine, as {other}: {host} and {other} are the same. Nothing was changed "
        f"as {host}. {_REMEDY}",
        host=host,
        severity=Severity.ERROR,
    )
