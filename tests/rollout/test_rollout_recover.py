"""What `recover` and the next commands say of what an earlier change left on a host."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import Any

import pytest
from hosts_waiting import pending, staged
from projects import RUNS, ProjectFolder, is_root

from pmtaform.api import recovering
from pmtaform.diagnostics import Exit
from pmtaform.diagnostics.codes.connections import CONNECTION_LOST
from pmtaform.errors import Unreachable
from pmtaform.host import FileWrite, HostSpec, Outcome, Session, Status, Transaction, apply, confirm
from pmtaform.rollout import changing, undo

WANTED = "config: {domain: {gmail.com: {max-smtp-out: 11}}}\n"


@pytest.fixture
def one_host(project: ProjectFolder) -> ProjectFolder:
    project.add_host("mta1").stand_in()
    project.stack(WANTED)
    return project


def test_what_is_only_staged_is_not_confirmed(one_host: ProjectFolder) -> None:
    with staged(one_host):
        result = one_host.run("recover", "--confirm").ended(Exit.LOCKED)
        assert "mta1: has a staged change that is not active" in result.words
        assert "There is nothing to confirm yet" in result.words
        assert one_host.host.running == RUNS
        one_host.run("recover", "--revert").ended(Exit.OK)
        assert one_host.host.leftovers() == []


def test_files_that_are_back_and_not_taken_keep_no_one_from_a_change_that_is(one_host: ProjectFolder) -> None:
    one_host.host.tell("fail-reload", "3\n")
    assert "[rollback-failed]" in one_host.apply().ended(Exit.SOME_FAILED).words
    result = one_host.run("recover").ended(Exit.SOME_FAILED)
    assert "[recovery-failed]" in result.words
    assert "the old files are restored, but PowerMTA did not load them: pmta reload: exit 1" in result.words
    assert "`pmtaform recover mta1` tries again. A change that PowerMTA accepts ends it too." in result.words
    one_host.host.tell("fail-reload", "1\n")
    result = one_host.apply().ended(Exit.OK)
    assert "Restored configuration rejected by PowerMTA" in result.words
    assert "max-smtp-out 11" in one_host.host.running
    assert one_host.host.leftovers() == []


def test_a_plan_of_a_stack_that_is_refused_recovers_nothing(one_host: ProjectFolder) -> None:
    one_host.host.tell("fail-reload", "3\n")
    assert "[rollback-failed]" in one_host.apply().ended(Exit.SOME_FAILED).words
    one_host.add_host("mta2")
    wrong = {"config": {"domain": {"gmail.com": {"max-smtp-out": {"not": "a number"}}}}}
    one_host.stack(WANTED, hosts={"mta1": {}, "mta2": wrong})
    before = one_host.hosts["mta1"].tree()
    one_host.plan().ended(Exit.INVALID)
    assert one_host.hosts["mta1"].tree() == before
    one_host.stack(WANTED)
    assert "Restored configuration rejected by PowerMTA" in one_host.plan("--host", "mta1").words


def test_files_that_are_not_back_are_mended_before_anything_else_is_done(one_host: ProjectFolder) -> None:
    if not is_root():
        pytest.skip("only root can make a folder immutable")
    folder = one_host.host.config.parent
    with pending(one_host):
        subprocess.run(["chattr", "+i", folder], check=True)
        try:
            assert "rollback-failed" in one_host.run("recover", "--revert").ended(Exit.SOME_FAILED).words
            result = one_host.apply().ended(Exit.SOME_FAILED)
        finally:
            subprocess.run(["chattr", "-i", folder], check=True)
        assert "[recovery-failed]" in result.words
        assert "not restored: /etc/pmta/config" in result.words
        assert "Until then no run can change it." in result.words
    assert "was undone: every file was restored" in one_host.run("recover").ended(Exit.OK).words
    assert one_host.host.running == RUNS
    assert one_host.host.leftovers() == []
    one_host.apply().ended(Exit.OK)


@pytest.mark.parametrize("status", [Status.STALE, Status.LOCKED, Status.REFUSED, Status.ROLLED_BACK])
def test_a_change_that_a_check_fails_and_nothing_undoes_is_not_reported_as_undone(
    one_host: ProjectFolder, monkeypatch: pytest.MonkeyPatch, status: Status
) -> None:
    """Without a confirmation it is rolled back as a generation, which can fail as any transaction can."""
    end = Outcome(host="mta1", status=status, reason="generation 2 was made by another run meanwhile")
    monkeypatch.setattr("pmtaform.rollout.undo.rollback", lambda *_, **__: end)
    one_host.stack(WANTED + "confirm-within: 0\nchecks: {ours: {command: [/bin/false]}}\n")
    result = one_host.apply().ended(Exit.SOME_FAILED)
    assert "[rollback-failed]" in result.words
    assert "it was not undone: generation 2 was made by another run meanwhile" in result.words
    assert "Nothing was changed" not in result.words
    assert "max-smtp-out 11" in one_host.host.running


def test_a_check_that_loses_the_host_undoes_what_no_one_confirms(
    one_host: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_host.stack(WANTED + "confirm-within: 0\nchecks: {ours: {command: [/bin/true]}}\n")

    def lost(*_: object, **__: object) -> None:
        raise Unreachable.of(CONNECTION_LOST, host="mta1")

    monkeypatch.setattr(changing, "examine", lost)
    result = one_host.apply().ended(Exit.SOME_FAILED)
    assert "check: the connection was lost (Connection lost). The old files are back" in result.words
    assert one_host.host.running == RUNS
    monkeypatch.setattr("pmtaform.rollout.undo.rollback", lost)
    result = one_host.apply().ended(Exit.SOME_FAILED)
    assert "[rollback-failed]" in result.words
    assert "it was not undone: Connection lost" in result.words
    assert "max-smtp-out 11" in one_host.host.running


def test_a_host_that_did_well_and_is_lost_before_it_was_looked_at_again_keeps_its_change(
    one_host: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_host.stack(WANTED + "confirm-within: 0\n")

    def lost(*_: object) -> None:
        raise Unreachable.of(CONNECTION_LOST, host="mta1")

    monkeypatch.setattr(changing, "probe", lost)
    one_host.apply().ended(Exit.UNREACHABLE)
    assert "max-smtp-out 11" in one_host.host.running
    monkeypatch.undo()
    assert "applied the change" in one_host.plan().ended(Exit.OK).words


@pytest.mark.parametrize("status", [Status.STALE, Status.LOCKED, Status.REFUSED, Status.ROLLED_BACK, None])
def test_a_host_that_is_not_taken_back_with_its_wave_is_not_reported_as_that(
    project: ProjectFolder, monkeypatch: pytest.MonkeyPatch, status: Status | None
) -> None:
    for name in ("mta1", "mta2"):
        project.add_host(name).stand_in()
    project.hosts["mta2"].tell("fail-reload", "1\n")
    project.stack(WANTED + "rollout: {canary: 1, on-failure: rollback-all, stage-first: false}\n")

    def rollback(*_: object, **__: object) -> Outcome:
        if status is None:
            raise Unreachable.of(CONNECTION_LOST, host="mta1")
        return Outcome(host="mta1", status=status, reason="so it was")

    monkeypatch.setattr(undo, "rollback", rollback)
    result = project.apply().ended(Exit.SOME_FAILED)
    assert "Of 2 hosts: 1 rolled back, 1 failed." in result.words
    assert f"it was not undone: {'so it was' if status else 'Connection lost'}" in result.words
    assert "Nothing was changed" not in result.words


def test_a_later_change_of_someone_else_is_not_taken_back_with_a_wave(
    project: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mta1", "mta2"):
        project.add_host(name).stand_in()
    project.hosts["mta2"].tell("fail-reload", "1\n")
    project.stack(WANTED + "rollout: {canary: 1, on-failure: rollback-all, stage-first: false}\n")
    theirs = FileWrite(path="/etc/pmta/conf.d/bob.conf", content=b"# bob\n")
    change = Transaction(id="bob-1", who="bob@desk", what="a change", started="now", writes=(theirs,), expect={})

    def rollback(session: Session, spec: HostSpec, *rest: Any, **named: Any) -> Outcome:
        assert apply(session, spec, change, spec.open).status is Status.APPLIED
        return real(session, spec, *rest, **named)

    real = undo.rollback
    monkeypatch.setattr(undo, "rollback", rollback)
    result = project.apply().ended(Exit.SOME_FAILED)
    assert "generation 2 was made by another run meanwhile" in result.words
    assert project.hosts["mta1"].read("/etc/pmta/conf.d/bob.conf") == "# bob\n"
    assert "max-smtp-out 11" in project.hosts["mta1"].running


def test_what_undoes_a_restart_of_the_web_monitor_restarts_it_too(one_host: ProjectFolder) -> None:
    web = '#!/bin/sh\necho again >>"$PMTAFORM_ROOT/ctl/web"\n'
    one_host.host.put(web, "/usr/sbin/webrestart", 0o755)
    one_host.stack(
        "config: {http-mgmt-port: 8443}\nconfirm-within: 0\nchecks: {ours: {command: [/bin/false]}}\n",
        commands={"restart-web": ["/usr/sbin/webrestart"]},
    )
    one_host.apply("--allow", "restart").ended(Exit.SOME_FAILED)
    assert one_host.host.at("/ctl/web").read_text() == "again\nagain\n"


def test_a_change_that_someone_else_confirms_while_its_check_fails_is_reported_as_there(
    one_host: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_host.stack(WANTED + "checks: {ours: {command: [/bin/false]}}\n")

    def revert(session: Session, spec: HostSpec, tx: Transaction, *rest: Any) -> Outcome:
        assert confirm(session, spec, tx, spec.open)[0].status is Status.APPLIED
        return real(session, spec, tx, *rest)

    real = changing.revert
    monkeypatch.setattr(changing, "revert", revert)
    result = one_host.apply().ended(Exit.SOME_FAILED)
    assert "[rollback-failed]" in result.words
    assert "it was not undone: another run confirmed it meanwhile" in result.words
    assert "max-smtp-out 11" in one_host.host.running


@pytest.mark.parametrize(("word", "said_no"), [("--confirm", Status.ROLLED_BACK), ("--revert", Status.APPLIED)])
def test_a_word_that_was_not_heeded_is_no_success(
    one_host: ProjectFolder, monkeypatch: pytest.MonkeyPatch, word: str, said_no: Status
) -> None:
    """Another word came first, or the host could not do it."""
    with pending(one_host):
        end = Outcome(host="mta1", status=said_no, reason="so it was")
        monkeypatch.setattr(recovering, "decide_pending", lambda *_: end)
        looks = iter((recovering._look, lambda *rest: replace(recovering_look(*rest), awaiting=None)))
        recovering_look = recovering._look
        monkeypatch.setattr(recovering, "_look", lambda *rest: next(looks)(*rest))
        result = one_host.run("recover", word).ended(Exit.SOME_FAILED)
    assert f"{word[2:]} requested, outcome: {said_no} (so it was)" in result.words


def test_recover_leaves_a_host_where_someone_is_at_work(
    one_host: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_host.host.tell("fail-reload", "3\n")
    one_host.apply().ended(Exit.SOME_FAILED)
    busy = Outcome(host="mta1", status=Status.LOCKED, reason="bob is at work")
    monkeypatch.setattr(recovering, "recover", lambda *_, **__: busy)
    assert "Host locked by another run" in one_host.run("recover").ended(Exit.LOCKED).words
