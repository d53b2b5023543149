"""Ways to a host under test: a folder under each shell that the agent must run under, and SSH."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hostroot import HostRoot, never, spec_of
from sshd import Sshd

from pmtaform.host import HostSpec, Known, Outcome, Session, Snapshot, Transaction, apply, probe
from pmtaform.host.local import LocalSession

DIE = Path(__file__).with_name("die.sh")
SHELLS = {"dash": ("dash",), "bash": ("bash",), "busybox": ("busybox", "ash")}


def dying_at(step: str) -> dict[str, str]:
    """An environment in which the host's program is killed at `step`: `stage`, `stage.2`, `lock:after`."""
    return {"PMTAFORM_TEST_AT": step if "." in step else f"{step}.*", "PMTAFORM_TEST_HOOK": str(DIE)}


@dataclass
class Host:
    """One host under test and the ways to it."""

    root: Any
    spec: HostSpec
    open: Callable[[], Session]
    opened: list[Session] = field(default_factory=list)

    @property
    def session(self) -> Session:
        if not self.opened:
            self.opened.append(self.open())
        return self.opened[0]

    def probe(self, known: Known | None = None, includes: object = never) -> Snapshot:
        return probe(self.session, self.spec, known or Known(), includes)  # type: ignore[arg-type]

    def apply(self, tx: Transaction, **spec: object) -> Outcome:
        return apply(self.session, replace(self.spec, **spec), tx, self.open)  # type: ignore[arg-type]


def over_ssh(root: HostRoot, server: Sshd, **more: object) -> Host:
    spec = spec_of(root, **server.options(**more))
    return Host(root, spec, spec.open)


def in_folder(root: HostRoot, shell: str = "dash", environment: dict[str, str] | None = None, **more: object) -> Host:
    spec = spec_of(root, **more)
    return Host(root, spec, lambda: LocalSession(spec, SHELLS[shell], environment))
