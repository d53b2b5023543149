"""Two names of one machine: in a run that changes both, the first locks the second."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pmtaform.diagnostics import Diagnostic, Severity
from pmtaform.diagnostics.codes.plans import SAME_MACHINE
from pmtaform.host import HostLock, HostSpec, Outcome, Status
from pmtaform.inspection.verdict import HostVerdict

_REMEDY = (
    "Keep one of the names. If they are clones of one image, give each its own machine id: remove /etc/machine-id on "
    "each clone and run systemd-machine-id-setup."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What identifies a host: how it is reached, and its machine id, if it is known."""

    host: str
    is_local: bool
    root: str
    address: str = ""
    port: int | None = None
    proxy_jump: str | None = None
    machine: str = ""


def same_machine(surveys: Iterable[HostVerdict]) -> Iterator[tuple[str, Diagnostic]]:
    """Notes on hosts that are most likely one machine, by the host's name."""
    return same_machines(_identity(survey.target.spec, survey.snapshot.machine_id) for survey in surveys)


def _identity(spec: HostSpec, machine: str) -> Identity:
    return Identity(
        host=spec.name,
        is_local=spec.transport.is_local,
        root=spec.root,
        address=spec.address,
        port=spec.port,
        proxy_jump=spec.proxy_jump,
        machine=machine,
    )


def same_machines(hosts: Iterable[Identity]) -> Iterator[tuple[str, Diagnostic]]:
    """As `same_machine`, by what identifies the hosts."""
    places: dict[tuple[str, ...], list[str]] = {}
    for host in hosts:
        for place in _places(host):
            places.setdefault(place, []).append(host.host)
    notes: dict[str, Diagnostic] = {}
    for place, names in places.items():
        if len(names) > 1:
            notes |= {name: _note(place, names, name) for name in names if name not in notes}
    return iter(notes.items())


def _places(host: Identity) -> Iterator[tuple[str, ...]]:
    """The places of a host: machine id and address. Folders of one machine are separate hosts."""
    root = host.root.rstrip("/") or "/"
    if host.is_local:
        yield "folder", str(Path(root).resolve())
    else:
        yield "address", f"{host.address or host.host}:{host.port or 22}", host.proxy_jump or "", root
        if host.machine:
            yield "machine id", host.machine, root


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
