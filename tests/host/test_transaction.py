"""All or nothing, whatever way leads to the host."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import pytest
from hostroot import CONFIG, NEW, OLD, key, transaction
from ways import Host

from pmtaform.errors import HostError
from pmtaform.host import (
    ABSENT,
    Activation,
    FileKind,
    FileRemoval,
    FileWrite,
    Rollback,
    Status,
    digest,
    generations,
    result,
    rollback,
)
from pmtaform.host.local import LocalDialogue

KEY = "/etc/pmta/keys/example.com.pem"


def rolled_back(host: Host, number: int, **more: object):
    given = {"id": f"rb-{os.getpid()}-{number}", "who": "anna", "started": "now"}
    wanted = Rollback(generation=number, **{**given, **more})
    return rollback(host.session, host.spec, wanted, host.open)


def test_a_change_is_made_and_in_force(host: Host) -> None:
    outcome = host.apply(transaction((CONFIG, NEW), key(KEY)))
    assert (outcome.status, outcome.generation, outcome.reason) == (Status.APPLIED, 1, "")
    assert host.root.read(CONFIG) == NEW == host.root.running
    assert host.root.read(KEY) == b"a private key\n"
    assert host.root.calls == ["show status", "test config", "reload", "show status"]
    assert host.root.leftovers() == []


def test_what_was_done_can_be_asked_for_again(host: Host) -> None:
    tx = transaction((CONFIG, NEW))
    outcome = host.apply(tx)
    assert result(host.session, host.spec, tx.id) == outcome
    assert result(host.session, host.spec, "never-heard-of") is None


def test_a_change_that_is_sent_twice_is_made_once(host: Host) -> None:
    tx = transaction((CONFIG, NEW), expect={})
    assert host.apply(tx) == host.apply(tx)
    assert host.root.calls.count("reload") == 1


def test_an_empty_transaction_is_not_sent(folder: Host) -> None:
    assert folder.apply(transaction()).status is Status.APPLIED
    assert not folder.root.at("/var").exists()


def test_modes_are_as_found_or_closed(host: Host) -> None:
    host.root.put("/etc/pmta/open", b"x", 0o644)
    host.apply(transaction((CONFIG, NEW), ("/etc/pmta/open", b"y"), ("/etc/pmta/new", b"z"), key(KEY)))
    modes = {p: host.root.mode(p) for p in (CONFIG, "/etc/pmta/open", "/etc/pmta/new", KEY)}
    assert modes == {CONFIG: 0o640, "/etc/pmta/open": 0o644, "/etc/pmta/new": 0o640, KEY: 0o600}


def test_what_is_kept_is_for_its_owner_alone(disk: Host) -> None:
    disk.apply(transaction((CONFIG, NEW)))
    assert disk.root.mode("/var/lib/pmtaform") == 0o700


def test_a_mode_given_is_set(host: Host) -> None:
    host.apply(transaction(FileWrite(path=CONFIG, content=NEW, mode=0o600)))
    assert host.root.mode(CONFIG) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_owners_are_as_found_or_the_folders(disk: Host) -> None:
    os.chown(disk.root.at(CONFIG), 12345, 23456)
    os.chown(disk.root.at("/etc/pmta"), 12346, 23457)
    assert disk.apply(transaction((CONFIG, NEW), ("/etc/pmta/new", b"z"))).status is Status.APPLIED
    owners = {p: (disk.root.at(p).stat().st_uid, disk.root.at(p).stat().st_gid) for p in (CONFIG, "/etc/pmta/new")}
    assert owners == {CONFIG: (12345, 23456), "/etc/pmta/new": (12346, 23457)}


@pytest.mark.parametrize(
    ("what", "step", "word"),
    [("fail-test", "test", "test config"), ("fail-reload", "activate", "reload"),
     ("dies-of-reload", "health", "running"), ("mute-after-reload", "health", "status")],
)  # fmt: skip
def test_a_change_that_powermta_rejects_is_rolled_back_completely(host: Host, what: str, step: str, word: str) -> None:
    host.root.put(KEY, b"old key\n", 0o400)
    host.root.put("/etc/pmta/going", b"going\n", 0o604)
    before = host.root.tree()
    host.root.tell(what)
    removals = (FileRemoval(path="/etc/pmta/going"),)
    tx = transaction((CONFIG, NEW), key(KEY, b"new\n"), ("/etc/pmta/sub/new", b"n"), removals=removals)
    outcome = host.apply(tx)
    assert (outcome.status, outcome.step) == (Status.ROLLED_BACK, step)
    assert word in outcome.reason
    assert host.root.tree() == before
    assert host.root.running == OLD
    assert host.root.leftovers() == []
    assert generations(host.session, host.spec) == []


def test_what_powermta_said_is_reported_without_control_characters(host: Host) -> None:
    host.root.tell("fail-test")
    assert host.apply(transaction((CONFIG, NEW))).output == "Error in line 1 of /etc/pmta/config: made to fail"


def test_a_rollback_that_powermta_rejects_too_is_reported(host: Host) -> None:
    host.root.tell("fail-reload", 2)
    outcome = host.apply(transaction((CONFIG, NEW)))
    assert outcome.status is Status.ROLLBACK_FAILED
    assert "the old files are restored" in outcome.reason
    assert host.root.read(CONFIG) == OLD


def test_a_reload_that_hangs_is_ended_and_undone(host: Host) -> None:
    host.root.tell("hang-reload")
    outcome = host.apply(transaction((CONFIG, NEW)), command_timeout=1.0)
    assert (outcome.status, outcome.step) == (Status.ROLLED_BACK, "activate")
    assert "no answer within 1 s" in outcome.reason
    assert host.root.read(CONFIG) == host.root.running == OLD


@pytest.mark.parametrize("expect", [{CONFIG: digest(b"else")}, {CONFIG: ABSENT}, {"/etc/pmta/other": digest(b"x")}])
def test_a_file_that_moved_since_the_plan_stops_everything(host: Host, expect: dict[str, str]) -> None:
    before = host.root.tree()
    outcome = host.apply(transaction((CONFIG, NEW), expect=expect))
    assert (outcome.status, outcome.step) == (Status.STALE, "check")
    assert next(iter(expect)) in outcome.reason
    assert host.root.tree() == before
    assert (host.root.calls, host.root.leftovers()) == ([], [])


def test_a_file_that_joined_an_include_pattern_stops_everything(host: Host) -> None:
    host.root.put("/etc/pmta/conf.d/a.conf", b"a")
    pattern = {"/etc/pmta/conf.d/*": ("/etc/pmta/conf.d/a.conf",)}
    assert host.apply(transaction((CONFIG, NEW), expect_patterns=pattern)).status is Status.APPLIED
    host.root.put("/etc/pmta/conf.d/b.conf", b"b")
    again = host.apply(transaction((CONFIG, OLD), expect={}, expect_patterns=pattern))
    assert (again.status, host.root.read(CONFIG)) == (Status.STALE, NEW)


def test_keys_come_before_the_configuration_and_go_after_it(folder: Host) -> None:
    old_key = "/etc/pmta/keys/old.pem"
    folder.root.put(old_key, b"old", 0o600)
    look = (
        'echo "$(cat "$root/etc/pmta/config" | head -n 1); $(ls "$root/etc/pmta/keys" | tr "\\n" " ")" >>"$ctl/seen"\n'
    )
    pmta = folder.root.at("/usr/sbin/pmta")
    pmta.write_text(pmta.read_text().replace("left() {", look + "left() {"))
    folder.apply(transaction((CONFIG, NEW), key(KEY), removals=(FileRemoval(path=old_key, kind=FileKind.KEY),)))
    before, *during = folder.root.at("/ctl/seen").read_text().splitlines()
    assert before == "# the old configuration; old.pem "
    assert set(during) == {"# the new configuration; example.com.pem old.pem "}
    assert not folder.root.at(old_key).exists()


def test_a_wildcard_include_never_sees_a_staged_file(folder: Host) -> None:
    pmta = folder.root.at("/usr/sbin/pmta")
    text = pmta.read_text().replace("left() {", 'echo "$root"/etc/pmta/conf.d/* >>"$ctl/seen"\nleft() {')
    pmta.write_text(text)
    folder.apply(transaction((CONFIG, NEW), ("/etc/pmta/conf.d/a.conf", b"a")))
    before, *during = folder.root.at("/ctl/seen").read_text().splitlines()
    assert before == str(folder.root.at("/etc/pmta/conf.d/*"))  # nothing there yet
    assert set(during) == {str(folder.root.at("/etc/pmta/conf.d/a.conf"))}


def test_without_activation_pmta_need_not_be_there(host: Host) -> None:
    host.root.remove("/usr/sbin/pmta")
    tx = transaction((CONFIG, NEW), activation=Activation.NONE)
    assert host.apply(tx).status is Status.APPLIED
    assert host.root.read(CONFIG) == NEW


@pytest.mark.parametrize("what", ["stopped", "fail-status"])
def test_where_powermta_is_down_no_reload_is_started(host: Host, what: str) -> None:
    """A reload could only fail, and putting the files back would end in another failed reload."""
    before = host.root.tree()
    host.root.tell(what, 2)
    outcome = host.apply(transaction((CONFIG, NEW)))
    assert (outcome.status, outcome.step) == (Status.REFUSED, "running")
    assert "PowerMTA is not running on this host" in outcome.reason
    assert host.root.tree() == before
    assert "reload" not in host.root.calls
    assert host.root.leftovers() == []


def test_an_activation_needs_a_pmta_program(host: Host) -> None:
    host.root.remove("/usr/sbin/pmta")
    outcome = host.apply(transaction((CONFIG, NEW)))
    assert (outcome.status, outcome.reason) == (Status.REFUSED, "there is no /usr/sbin/pmta on this host")
    assert host.root.read(CONFIG) == OLD


def test_a_restart_runs_the_command_of_the_stack(host: Host) -> None:
    spec = {"restart_command": ("/usr/sbin/pmta", "restart", "$(touch /x); 'quoted'")}
    outcome = host.apply(transaction((CONFIG, NEW), activation=Activation.RESTART), **spec)
    assert outcome.status is Status.APPLIED
    assert "restart $(touch /x); 'quoted'" in host.root.calls
    assert host.root.running == NEW


def test_a_restart_needs_a_known_command(host: Host) -> None:
    outcome = host.apply(transaction((CONFIG, NEW), activation=Activation.RESTART))
    assert (outcome.status, outcome.reason) == (Status.REFUSED, "no way to restart PowerMTA was found")


def test_a_failed_test_does_not_cause_a_restart(folder: Host) -> None:
    folder.root.tell("fail-test")
    spec = {"restart_command": ("/usr/sbin/pmta", "restart")}
    outcome = folder.apply(transaction((CONFIG, NEW), activation=Activation.RESTART), **spec)
    assert (outcome.status, folder.root.calls) == (Status.ROLLED_BACK, ["test config"])


def test_generations_are_reported_and_pruned(host: Host) -> None:
    for n in range(4):
        assert host.apply(transaction((CONFIG, f"{n}\n".encode()), expect={}), generations=2).generation == n + 1
    kept = generations(host.session, host.spec)
    assert [g.number for g in kept] == [3, 4]
    assert (kept[0].who, kept[0].what, kept[0].status, kept[0].files) == ("anna@laptop", "a test", "applied", (CONFIG,))
    assert host.probe().generation == 4


def test_rolling_back_gives_the_same_bytes_owners_and_modes(host: Host) -> None:
    host.root.put("/etc/pmta/going", b"going\n", 0o604)
    before = host.root.tree()
    host.apply(transaction((CONFIG, NEW), key(KEY), removals=(FileRemoval(path="/etc/pmta/going"),)))
    host.apply(transaction((CONFIG, b"third\n"), key(KEY, b"other\n"), expect={}))
    outcome = rolled_back(host, 1)
    assert (outcome.status, outcome.generation) == (Status.APPLIED, 3)
    after = host.root.tree()
    for folder in host.root.made_folders("/etc/pmta/keys"):
        after.pop(folder)  # what was made stays
    assert after == before
    assert host.root.running == OLD
    # A rollback is a transaction, and can be rolled back.
    assert rolled_back(host, 3).status is Status.APPLIED
    assert (host.root.read(CONFIG), host.root.read(KEY)) == (b"third\n", b"other\n")


def test_rolling_back_stops_at_a_change_by_hand(host: Host) -> None:
    host.apply(transaction((CONFIG, NEW)))
    host.root.put(CONFIG, b"by hand\n")
    assert rolled_back(host, 1).status is Status.STALE
    consent = {CONFIG: digest(b"by hand\n")}
    assert rolled_back(host, 1, id="consented", expect=consent).status is Status.APPLIED
    assert host.root.read(CONFIG) == OLD


def test_a_generation_that_is_not_kept_is_an_error(folder: Host) -> None:
    with pytest.raises(HostError, match="generation-gone"):
        rolled_back(folder, 7)


def test_bytes_are_written_as_they_are(host: Host) -> None:
    content = bytes(range(256)) * 1000 + b"\r\n$(id)`id`\\"
    assert host.apply(transaction((CONFIG, content), ("/etc/pmta/empty", b""))).status is Status.APPLIED
    assert host.root.read(CONFIG) == content
    assert host.root.read("/etc/pmta/empty") == b""


def test_a_large_file_is_one_call(ssh_host: Host) -> None:
    content = os.urandom(5 << 20)
    assert ssh_host.apply(transaction((CONFIG, content))).status is Status.APPLIED
    assert ssh_host.probe().files[CONFIG].content == content


NAMES = ("a b", "$(touch x)", "`id`", "a;b", "-rf", "ä\u20ac", "*", "[a]", "'q'", '"q"', "a\\b", " l", "t ")


def test_names_and_contents_are_data(host: Host) -> None:
    files = {f"/etc/pmta/{name}": name.encode() for name in NAMES}
    assert host.apply(transaction(*files.items())).status is Status.APPLIED
    assert {path: host.root.read(path) for path in files} == files
    assert host.root.strays() == []
    assert rolled_back(host, 1).status is Status.APPLIED
    assert [path for path in files if host.root.exists(path)] == []


@pytest.mark.parametrize("words", ["$(touch /x)", "a\nstatus applied", "'\"`;", "-n", "\x1b[31m"])
def test_who_and_what_are_data(folder: Host, words: str) -> None:
    tx = replace(transaction((CONFIG, NEW)), who=words, what=words)
    assert folder.apply(tx).status is Status.APPLIED
    kept = generations(folder.session, folder.spec)[0]
    assert kept.who == kept.what
    assert "\n" not in kept.who
    assert "\x1b" not in kept.who


def test_one_program_answers_one_request_after_the_other(host: Host) -> None:
    host.probe()
    first = host.session.running
    assert first is not None
    assert host.apply(transaction((CONFIG, NEW))).status is Status.APPLIED
    assert host.probe().files[CONFIG].content == NEW
    last = host.session.running
    assert last is not None
    assert last.dialogue is first.dialogue
    assert first.parts < last.parts


def test_a_program_that_ended_while_it_waited_is_started_again(host: Host) -> None:
    """A shell may give up waiting for input (TMOUT)."""
    host.probe()
    waits = host.session.running
    assert waits is not None
    waits.dialogue.ask(b"0\nno request\nwithout an end\n", b"\n0 last\n", timeout=20)
    host.session.running = waits
    assert host.apply(transaction((CONFIG, NEW))).status is Status.APPLIED


def test_a_waiting_program_ends_on_a_signal(folder: Host) -> None:
    """While it took a change in it let no signal stop it; that is over."""
    assert folder.apply(transaction((CONFIG, NEW))).status is Status.APPLIED
    waits = folder.session.running
    assert waits is not None
    assert isinstance(waits.dialogue, LocalDialogue)
    waits.dialogue.process.terminate()
    assert waits.dialogue.ask(b"", b"never printed", timeout=20).exit_code == -signal.SIGTERM
