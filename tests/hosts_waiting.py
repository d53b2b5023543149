"""A host on which someone else has a change that awaits its confirmation, or is staged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from projects import CONFIG, RUNS, ProjectFolder

from pmtaform.host import FileWrite, HostSpec, Status, Transaction, apply, stage
from pmtaform.transports.local import LOCAL


@contextmanager
def pending(project: ProjectFolder, within: float = 600) -> Iterator[Transaction]:
    """Anna has changed mta1 from her laptop, and has not confirmed it."""
    spec = HostSpec(name="mta1", transport=LOCAL, root=str(project.host.root))
    session = spec.open()
    made = _change(within)
    outcome = apply(session, spec, made, lambda: session)
    assert outcome.status is Status.PENDING, outcome
    yield made


@contextmanager
def staged(project: ProjectFolder) -> Iterator[None]:
    """Anna has staged a change of mta1 from her laptop, and is still connected."""
    spec = HostSpec(name="mta1", transport=LOCAL, root=str(project.host.root))
    session = spec.open()
    assert stage(session, spec, _change(600), lambda: session).status is Status.STAGED
    yield
    session.close()


def _change(within: float) -> Transaction:
    return Transaction(
        id="anna-1",
        who="anna@laptop",
        what="a change",
        started="2026-11-25T12:00:00Z",
        writes=(FileWrite(path=CONFIG, content=f"{RUNS}# pending\n".encode()),),
        confirm_within=within,
    )
