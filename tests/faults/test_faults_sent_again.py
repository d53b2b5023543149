"""A transaction of one name that is sent again, by another process, is made once: both get the outcome of the first."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from projects import RUNS, pairs, until
from world import World

from pmtaform.host import (
    FileWrite,
    HostSpec,
    Outcome,
    Status,
    Transaction,
    apply,
    commit,
    confirm,
    digest,
    generations,
    result,
    stage,
)
from pmtaform.host.request import body, of_transaction
from pmtaform.host.wire import boot, program, sealed
from pmtaform.host_specs import host_spec
from pmtaform.project import Project
from pmtaform.stack.resolve import resolver_for

NEW = RUNS + "postmaster again@example.com\n"
CONFIG = "/etc/pmta/config"
POINTS = [
    "receive.*", "lock.*", "check.*", "stage.*", "backup.*", "begin.*", "commit-config.*", "settle-files.1", "test.*",
    "arm.*", "activate.*", "health.*", "pending.*",
]  # fmt: skip
ENDS = ("client-killed", "client-and-program-killed", "at-the-same-time")


class Sender(World):
    """A world whose client sends one transaction, and does not confirm it."""

    def spec(self) -> HostSpec:
        stack = Project(self.project.root).load("fleet")
        return host_spec(stack, stack.hosts["mta1"], resolver_for(stack))

    def transaction(self) -> Transaction:
        """Always of the same name."""
        return Transaction(
            id="run-mta1",
            who="anna@laptop",
            what="a test",
            started="2026-11-23T18:00:00Z",
            writes=(FileWrite(path=CONFIG, content=NEW.encode()),),
            expect={CONFIG: digest(self.old)},
            confirm_within=600.0,
        )

    old: bytes

    def send(self) -> Outcome:
        spec = self.spec()
        session = spec.open()
        try:
            return apply(session, spec, self.transaction(), spec.open)
        finally:
            session.close()

    def work(self) -> int:
        return 0 if self.send().status is Status.PENDING else 1


@pytest.fixture
def sender(world: World) -> Sender:
    world.__class__ = Sender  # the fixture ends what it made
    assert isinstance(world, Sender)
    world.old = world.host.config.read_bytes()
    return world


def check(sender: Sender, outcome: Outcome) -> None:
    """The change was made once, and is confirmed once."""
    spec = sender.spec()
    session = spec.open()
    try:
        assert outcome.status is Status.PENDING, outcome
        assert sender.running.startswith(NEW)
        tx = sender.transaction()
        final, _ = confirm(session, spec, tx, spec.open)
        assert final.status is Status.APPLIED
        assert apply(session, spec, tx, spec.open) == final, "it is answered, not made again"
        assert confirm(session, spec, tx, spec.open)[0] == final
        assert [each.transaction for each in generations(session, spec)].count(tx.id) == 1
    finally:
        session.close()
    assert sender.leftovers() == []


def sent_again(sender: Sender, point: str, end: str) -> None:
    sender.change(point)
    stopped = sender.reached()
    assert stopped, "the point is not one of this change"
    with ThreadPoolExecutor(1) as pool:
        if end == "client-and-program-killed":
            sender.kill(sender.child, stopped)
        elif end == "client-killed":
            sender.kill(sender.child)
        second = pool.submit(sender.send)
        sender.go_on()
        outcome = second.result(timeout=60)
    code = sender.client_ends()
    if end == "client-and-program-killed" and outcome.status is not Status.PENDING:
        # What the dead program left was undone; that is the outcome of this name for ever.
        assert outcome.status in {Status.REFUSED, Status.ROLLED_BACK}
        assert sender.send() == replace(outcome, recovered=None)
        assert sender.host.config.read_bytes() == sender.old
        return
    assert code == (0 if end == "at-the-same-time" else -9)
    check(sender, outcome)


@pytest.mark.parametrize(("point", "end"), pairs(POINTS, ENDS, 2))
def test_a_transaction_that_is_sent_again_is_made_once(sender: Sender, point: str, end: str) -> None:
    sent_again(sender, point, end)


@pytest.mark.sshd
@pytest.mark.parametrize(("point", "end"), pairs(["check.*", "commit-config.*", "activate.*"], ENDS, 3))
@pytest.mark.usefixtures("over_ssh")
def test_the_same_over_ssh(sender: Sender, point: str, end: str) -> None:
    sent_again(sender, point, end)


def test_a_request_that_is_still_on_its_way_is_waited_for(sender: Sender) -> None:
    spec, tx = sender.spec(), sender.transaction()
    whole = b"".join(
        [sealed(program())[0], b"f" * 32 + b"\napply\n", *body(spec, of_transaction(tx)), b"f" * 32 + b"\n"]
    )
    place = sender.lib / "tx" / tx.id
    with (
        subprocess.Popen(boot(("dash",), program()), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first,
        ThreadPoolExecutor(1) as pool,
    ):
        assert first.stdin
        first.stdin.write(whole[: -len(NEW)])
        first.stdin.flush()
        until((place / "owner").exists)
        second = pool.submit(sender.send)
        first.kill()  # the rest never comes
        first.stdin.close()
        check(sender, second.result(timeout=60))


def test_what_another_process_staged_is_committed_once(sender: Sender) -> None:
    spec, tx = sender.spec(), sender.transaction()
    session = spec.open()
    try:
        assert stage(session, spec, tx, spec.open).status is Status.STAGED
        outcome = sender.send()
        assert commit(session, spec, tx, spec.open) == outcome
        check(sender, outcome)
    finally:
        session.close()


def test_the_outcome_of_a_name_is_final(sender: Sender) -> None:
    """Also where the first was rejected, and a second one would be accepted."""
    sender.ctl("fail-reload").write_text("1\n")
    first = sender.send()
    assert first.status is Status.ROLLED_BACK
    assert sender.send() == first
    spec = sender.spec()
    session = spec.open()
    try:
        assert result(session, spec, "run-mta1") == first
    finally:
        session.close()
    assert sender.host.config.read_bytes() == sender.old


def test_another_change_of_the_same_name_is_not_made(sender: Sender, tmp_path: Path) -> None:
    outcome = sender.send()
    spec = sender.spec()
    session = spec.open()
    try:
        other = replace(sender.transaction(), writes=(FileWrite(path=CONFIG, content=b"other\n"),), expect={})
        answered = apply(session, spec, other, spec.open)
        assert (answered.status, answered.step) == (outcome.status, outcome.step)
    finally:
        session.close()
    check(sender, outcome)
