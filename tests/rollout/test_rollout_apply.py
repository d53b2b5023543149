"""What an apply does to hosts that run PowerMTA, and what it says of each."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from projects import RUNS, ProjectFolder, addresses, dangers, until

from pmtaform.diagnostics import Exit
from pmtaform_emulator.daemon import Daemon
from pmtaform_emulator.layout import Layout

WANTED = "config: {postmaster: a@example.com}"
OTHER = "config: {postmaster: b@example.com}"


# -- what PowerMTA is asked ----


def test_a_change_is_tested_reloaded_and_checked(live: ProjectFolder) -> None:
    live.stack(WANTED)
    live.plan().ended(Exit.OK)
    before = len(live.host.called)
    live.apply().ended(Exit.OK)
    asked = [call for call in live.host.called[before:] if call != "show version"]
    assert asked[-3:] == ["test config", "reload", "show status"]
    assert live.host.starts == 1


def test_an_old_version_is_not_asked_for_what_it_does_not_know(project: ProjectFolder) -> None:
    project.add_host("mta1").emulate("4.0r21")
    project.stack(WANTED)
    project.apply().ended(Exit.OK)
    assert "test config" not in project.host.called
    assert "postmaster a@example.com" in project.host.in_force


def test_a_restart_happens_with_consent_and_only_then(live: ProjectFolder) -> None:
    live.stack("config: {run-as-root: no}")
    assert "needs a restart on 1 host" in live.plan().out
    live.apply().ended(Exit.BLOCKED)
    assert live.host.starts == 1
    live.apply("--allow", "restart").ended(Exit.OK)
    assert live.host.starts == 2
    assert "reload" not in live.host.called
    assert "run-as-root" in live.host.in_force
    live.settled()


def test_the_web_monitors_port_restarts_what_reads_it(live: ProjectFolder) -> None:
    """docs/powermta/operations.md section 3: `http-mgmt-port` needs a restart of pmtahttp."""
    live.stack("config: {http-mgmt-port: 8443}")
    live.apply("--allow", "restart").ended(Exit.OK)
    assert "http-mgmt-port" not in status_of(live), "nothing waits for a restart"
    assert live.host.starts == 1, "PowerMTA itself went on"
    live.stack("config: {http-mgmt-port: 8080, run-as-root: no}")
    live.apply("--allow", "restart").ended(Exit.OK)
    assert live.host.starts == 2
    assert "waits" not in status_of(live)


def test_a_web_monitor_that_does_not_start_again_is_restored(live: ProjectFolder) -> None:
    live.stack("config: {http-mgmt-port: 8443}")
    live.host.fault("pmtahttp restart", "fail")
    result = live.apply("--allow", "restart").ended(Exit.SOME_FAILED)
    assert "mta1 rolled back" in result.words
    assert "restart of pmtahttp" in result.words
    assert live.host.read() == RUNS


def status_of(project: ProjectFolder) -> str:
    """What the stand-in says of changes that wait for a restart."""
    state = Daemon(Layout(project.host.root)).state()
    return "; ".join(f"{row['name']} waits for {row['service']}" for row in state.pending())


# -- a host that does not take it ----


@pytest.mark.parametrize(
    ("command", "kind", "expected"),
    [
        ("test config", "fail", "pmta test config"),
        ("reload", "fail", "pmta reload"),
        ("reload", "garbage", "`pmta reload` ended with 0 and answered"),
        ("reload", "fail-after", "pmta reload"),
        ("reload", "hang", "no answer within 3 s"),
    ],
    ids=lambda value: str(value),
)
def test_what_is_refused_is_restored(live: ProjectFolder, command: str, kind: str, expected: str) -> None:
    live.stack(WANTED, **({"command-timeout": 3} if kind == "hang" else {}))
    before = live.host.contents()
    live.host.fault(command, kind)
    result = live.apply().ended(Exit.SOME_FAILED)
    assert "mta1 rolled back" in result.words
    assert expected in result.words
    assert "The old files are back, and PowerMTA runs the old configuration." in result.words
    assert live.host.contents() == before
    assert live.host.in_force == RUNS
    assert live.host.leftovers() == []
    assert live.state["hosts"] == {}
    assert "under-way" not in live.state
    live.host.behave()
    live.apply().ended(Exit.OK)
    live.settled()


def test_a_configuration_with_an_error_is_refused_with_powermtas_own_words(live: ProjectFolder) -> None:
    live.add_file("files/bad.conf", "no-such-directive at-all\n")
    live.stack("native: [files/bad.conf]")
    result = live.apply().ended(Exit.SOME_FAILED)
    assert "Error in line 2 of /etc/pmta/config" in result.words
    assert live.host.read() == RUNS
    assert live.host.in_force == RUNS


def test_a_reload_that_fails_twice_says_that_someone_must_look(live: ProjectFolder) -> None:
    live.stack(WANTED)
    live.host.fault("reload", "fail", times=None)
    result = live.apply().ended(Exit.SOME_FAILED)
    assert "Rollback not confirmed" in result.words
    assert "Log in to mta1 now" in result.words
    assert live.host.read() == RUNS


def test_a_powermta_that_dies_of_the_reload_keeps_its_old_files_and_someone_is_called(live: ProjectFolder) -> None:
    live.stack(WANTED)
    live.host.fault("reload", "crash")
    result = live.apply().ended(Exit.SOME_FAILED)
    assert "Rollback not confirmed" in result.words
    assert live.host.read() == RUNS


def test_a_failed_restart_is_restored_and_the_old_one_runs(live: ProjectFolder) -> None:
    live.stack("config: {run-as-root: no}")
    live.host.fault("restart", "fail")
    result = live.apply("--allow", "restart").ended(Exit.SOME_FAILED)
    assert "mta1 rolled back" in result.words
    assert live.host.read() == RUNS
    assert live.host.in_force == RUNS


def test_a_powermta_that_is_down_is_not_changed(live: ProjectFolder) -> None:
    Daemon(Layout(live.host.root)).stop()
    live.stack(WANTED)
    result = live.apply().ended(Exit.SOME_FAILED)
    assert "mta1" in result.words
    assert live.host.read() == RUNS


# -- many hosts ----


@pytest.fixture
def four(project: ProjectFolder) -> ProjectFolder:
    """Four hosts, of which `mta3` goes its own way in each test."""
    for name in ("mta1", "mta2", "mta3", "mta4"):
        project.add_host(name, pmta=name == "mta3")
    return project


def offline(four: ProjectFolder, body: str = WANTED, **third: object) -> None:
    hosts = {name: {"activation": "none"} for name in four.hosts}
    four.stack(body, hosts={**hosts, "mta3": third})


def test_one_host_that_cannot_be_reached_does_not_stop_the_others(four: ProjectFolder) -> None:
    offline(four, root="hosts/nowhere")
    plan = four.plan().ended(Exit.UNREACHABLE)
    assert plan.out.startswith("Plan: 3 to create on 3 of 4 hosts")
    assert "mta3" in plan.out
    four.plan("--detailed-exitcode").ended(Exit.UNREACHABLE)
    result = four.apply("--format", "json").ended(Exit.UNREACHABLE)
    told = {host["host"]: host["verdict"] for host in result.lines()[-1]["hosts"]}
    assert told == {"mta1": "applied", "mta2": "applied", "mta4": "applied", "mta3": "unreachable"}
    assert sorted(four.state["hosts"]) == ["mta1", "mta2", "mta4"]
    assert four.hosts["mta3"].read() == RUNS


def test_one_host_that_goes_back_does_not_stop_the_others(four: ProjectFolder) -> None:
    offline(four)
    four.hosts["mta3"].fault("reload", "fail")
    result = four.apply().ended(Exit.SOME_FAILED)
    for name in ("mta1", "mta2", "mta4"):
        assert f"{name} applied (generation 1)" in result.words
    assert "mta3 rolled back" in result.words
    assert "Of 4 hosts: 3 applied, 1 rolled back." in result.words
    assert sorted(four.state["hosts"]) == ["mta1", "mta2", "mta4"]
    again = four.apply().ended(Exit.OK)
    assert "Of 4 hosts: 1 applied, 3 unchanged." in again.words
    four.settled()


def test_one_host_that_is_unreadable_is_another_failure_than_one_unreachable(four: ProjectFolder) -> None:
    offline(four)
    config = four.hosts["mta3"].config
    config.unlink()
    config.mkdir()
    four.plan().ended(Exit.SOME_FAILED)
    result = four.apply().ended(Exit.SOME_FAILED)
    assert "mta3 failed" in result.words
    assert sorted(four.state["hosts"]) == ["mta1", "mta2", "mta4"]


def test_a_saved_plan_with_a_host_that_could_not_be_looked_at(four: ProjectFolder) -> None:
    """The others are applied; but a host that is back by then was never planned, so the plan is stale."""
    hosts = four.folder / "hosts"
    offline(four, activation="none")
    (hosts / "mta3").rename(hosts / "away")
    path = four.root / "plan.json"
    four.plan("--out", str(path)).ended(Exit.UNREACHABLE)
    assert "mta3" in four.run("show", str(path)).ended(Exit.OK).out
    four.run("apply", str(path)).ended(Exit.UNREACHABLE)
    assert sorted(four.state["hosts"]) == ["mta1", "mta2", "mta4"]
    offline(four, OTHER, activation="none")
    four.plan("--out", str(path)).ended(Exit.UNREACHABLE)
    (hosts / "away").rename(hosts / "mta3")
    before = {name: host.tree() for name, host in four.hosts.items()}
    assert "mta3 could not be inspected when the plan was made" in four.run("apply", str(path)).ended(Exit.STALE).words
    assert {name: host.tree() for name, host in four.hosts.items()} == before


def test_hosts_with_the_same_changes_are_shown_together(four: ProjectFolder) -> None:
    offline(four, activation="none")
    result = four.plan().ended(Exit.OK)
    assert result.out.count("setting[postmaster]") == 1
    assert "(4 hosts)" in result.out


def test_hosts_are_worked_on_side_by_side(project: ProjectFolder) -> None:
    """Two hosts whose tests of the configuration wait for each other."""
    for name, other in (("mta1", "mta2"), ("mta2", "mta1")):
        host = project.add_host(name, pmta=True)
        program = host.at("/usr/sbin/pmta")
        program.rename(program.with_name("pmta.behind"))
        met = f": >{project.folder}/met-{name}; while [ ! -e {project.folder}/met-{other} ]; do sleep 0.02; done"
        host.put(
            f'#!/bin/sh\ncase "$*" in "test config") {met} ;; esac\nexec {host.root}/usr/sbin/pmta.behind "$@"\n',
            "/usr/sbin/pmta",
            0o755,
        )
    project.stack(WANTED)
    project.apply().ended(Exit.OK)


def test_two_applies_at_once(live: ProjectFolder, tmp_path: Path) -> None:
    """The second does not wait, does nothing, and reports the other run."""
    import os

    program = live.host.at("/usr/sbin/pmta")
    program.rename(program.with_name("pmta.behind"))
    os.mkfifo(tmp_path / "gate")
    gate = os.open(tmp_path / "gate", os.O_RDWR)
    live.host.put(
        f'#!/bin/sh\ncase "$*" in "test config") : >{tmp_path}/reached; read -r _ <{tmp_path}/gate ;; esac\n'
        f'exec {live.host.root}/usr/sbin/pmta.behind "$@"\n',
        "/usr/sbin/pmta",
        0o755,
    )
    live.stack(WANTED)
    with live.start("apply", "--auto-approve") as first:
        until((tmp_path / "reached").exists, first)
        result = live.apply().ended(Exit.LOCKED)
        assert "apply fleet" in result.words
        assert f"process {first.pid}" in result.words
        live.run("rollback", "mta1", "--auto-approve").ended(Exit.LOCKED)
        os.write(gate, b"go\n")
        first.communicate(timeout=60)
    os.close(gate)
    assert first.returncode == Exit.OK
    live.settled()


# -- the state ----


def test_the_state_is_private_and_holds_no_value(one: ProjectFolder) -> None:
    one.config("postmaster: canary@example.com")
    one.apply().ended(Exit.OK)
    for path in (one.root / "state").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        assert "canary" not in path.read_text()
    assert stat.S_IMODE((one.root / "state").stat().st_mode) == 0o700


def test_the_state_is_written_after_every_host_not_at_the_end(project: ProjectFolder) -> None:
    import os

    project.add_host("mta1")
    second = project.add_host("mta2", pmta=True)
    project.stack(WANTED + "\nrollout: {parallel: 1}", hosts={"mta1": {"activation": "none"}, "mta2": {}})
    program = second.at("/usr/sbin/pmta")
    program.rename(program.with_name("pmta.behind"))
    os.mkfifo(second.root / "gate")
    gate = os.open(second.root / "gate", os.O_RDWR)
    second.put(
        f'#!/bin/sh\ncase "$*" in reload) : >{second.root}/reached; read -r _ <{second.root}/gate ;; esac\n'
        f'exec {second.root}/usr/sbin/pmta.behind "$@"\n',
        "/usr/sbin/pmta",
        0o755,
    )
    with project.start("apply", "--auto-approve") as process:
        until((second.root / "reached").exists, process)
        assert list(project.state["hosts"]) == ["mta1"]
        process.kill()
        process.wait()
    os.write(gate, b"go\n")
    os.close(gate)
    until(lambda: not second.at("/var/lib/pmtaform/lock").exists())
    assert list(project.state["hosts"]) == ["mta1"]
    assert "mta2 locked" in project.apply().ended(Exit.LOCKED).words
    assert list(project.state["hosts"]) == ["mta1"], "what no one confirmed is not recorded"
    project.run("recover", "--confirm").ended(Exit.OK)
    assert "mta2 unchanged" in project.apply().ended(Exit.OK).words
    assert sorted(project.state["hosts"]) == ["mta1", "mta2"]


def test_without_its_key_the_state_attributes_nothing_and_deletes_nothing(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com\nhost-name: a.example.com")
    one.apply().ended(Exit.OK)
    (one.root / "state/fleet.key").unlink()
    one.config("postmaster: a@example.com")
    result = one.plan().ended(Exit.OK)
    assert "No changes" in result.out
    assert "State written with another key" in result.words
    one.apply().ended(Exit.OK)
    assert "host-name a.example.com" in one.host.read()
    assert "another key" not in one.plan().words
    one.settled()


def test_without_its_state_nothing_is_deleted(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com\nhost-name: a.example.com")
    one.apply().ended(Exit.OK)
    one.state_file.unlink()
    one.config("postmaster: a@example.com")
    one.apply().ended(Exit.OK)
    assert "host-name a.example.com" in one.host.read()


def test_another_machine_under_the_same_name_owns_nothing_of_ours(one: ProjectFolder) -> None:
    one.host.put("1" * 32 + "\n", "/etc/machine-id", 0o444)
    one.config("postmaster: a@example.com\nhost-name: a.example.com")
    one.apply().ended(Exit.OK)
    one.host.at("/etc/machine-id").unlink()
    one.host.put("2" * 32 + "\n", "/etc/machine-id", 0o444)
    assert "Another machine under this name" in one.plan().words
    one.apply().ended(Exit.OK)
    assert "Another machine" not in one.plan().words, "it is known from now on"
    one.host.at("/etc/machine-id").unlink()
    one.host.put("3" * 32 + "\n", "/etc/machine-id", 0o444)
    one.config("postmaster: a@example.com")
    one.apply().ended(Exit.OK)
    assert "host-name a.example.com" in one.host.read()


def test_the_journal_tells_every_run(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    one.apply().ended(Exit.OK)
    one.run("rollback", "mta1", "--auto-approve").ended(Exit.OK)
    lines = [json.loads(line) for line in (one.root / "state/fleet.journal").read_text().splitlines()]
    assert [line["what"] for line in lines if "what" in line] == ["apply", "rollback to before generation 1"]


# -- rollback ----


def test_rollback_brings_the_same_bytes_mode_and_configuration_back(live: ProjectFolder) -> None:
    odd = RUNS + "\t# an odd line\r\npostmaster  z@example.com  # \xff\n"
    live.host.put(odd.encode("latin-1"), mode=0o604)
    live.stack(WANTED)
    live.apply().ended(Exit.OK)
    assert live.host.mode() == 0o604
    result = live.run("rollback", "mta1", "--auto-approve").ended(Exit.OK)
    assert "mta1 applied (generation 2)" in result.words
    assert live.host.config.read_bytes() == odd.encode("latin-1")
    assert live.host.mode() == 0o604
    assert live.host.in_force == live.host.read()
    assert addresses(live.plan("--format", "json")) == {("update", "setting[postmaster]")}


def test_rollback_to_a_generation_undoes_all_later_ones(one: ProjectFolder) -> None:
    for number in range(4):
        one.config(f"postmaster: a{number}@example.com")
        one.apply().ended(Exit.OK)
    one.run("rollback", "mta1", "--auto-approve", "--to", "2").ended(Exit.OK)
    assert one.host.read() == RUNS + "postmaster a0@example.com\n"
    one.run("rollback", "mta1", "--auto-approve").ended(Exit.OK)
    assert one.host.read() == RUNS + "postmaster a3@example.com\n", "a rollback can be undone as well"
    result = one.run("rollback", "mta1", "--auto-approve", "--to", "99").ended(Exit.USAGE)
    assert "it keeps: 1, 2, 3, 4, 5, 6" in result.words


def test_only_so_many_generations_are_kept(one: ProjectFolder) -> None:
    for number in range(4):
        one.config(f"postmaster: a{number}@example.com", "generations: 2\n")
        one.apply().ended(Exit.OK)
    kept = one.run("rollback", "mta1", "--list", "--format", "json").json()["generations"]
    assert [k["number"] for k in kept] == [3, 4]


def test_rollback_of_a_file_that_was_changed_by_hand_meanwhile_touches_nothing(one: ProjectFolder) -> None:
    one.config("postmaster: a@example.com")
    one.apply().ended(Exit.OK)
    one.host.put(one.host.read() + "# by hand\n")
    before = one.host.tree()
    result = one.run("rollback", "mta1", "--auto-approve").ended(Exit.STALE)
    assert "/etc/pmta/config is not what it was" in result.words
    assert one.host.tree() == before


def test_rollback_that_powermta_refuses_is_restored_too(live: ProjectFolder) -> None:
    live.stack(WANTED)
    live.apply().ended(Exit.OK)
    live.host.fault("reload", "fail")
    result = live.run("rollback", "mta1", "--auto-approve").ended(Exit.SOME_FAILED)
    assert "mta1 rolled back" in result.words
    assert "postmaster a@example.com" in live.host.in_force
    assert live.host.read() == live.host.in_force


def test_rollback_works_without_a_state(one: ProjectFolder) -> None:
    """From any machine: the generations are on the host."""
    one.config("postmaster: a@example.com")
    one.apply().ended(Exit.OK)
    for path in (one.root / "state").iterdir():
        path.unlink()
    by_hand = one.host.read() + "# by hand\n"
    applied = one.host.read()
    one.host.put(by_hand)
    one.run("rollback", "mta1", "--auto-approve").ended(Exit.STALE)
    assert one.host.read() == by_hand
    one.host.put(applied)
    one.run("rollback", "mta1", "--auto-approve").ended(Exit.OK)
    assert one.host.read() == RUNS


def test_a_rollback_says_what_waits_for_a_restart_and_restarts_with_consent(live: ProjectFolder) -> None:
    live.stack("config: {run-as-root: no}")
    live.apply("--allow", "restart").ended(Exit.OK)
    result = live.run("rollback", "mta1", "--auto-approve").ended(Exit.OK)
    assert "setting[run-as-root]: the file has the old value" in result.words
    assert live.host.starts == 2
    live.run("rollback", "mta1", "--auto-approve", "--allow", "restart").ended(Exit.OK)  # takes the rollback back
    assert live.host.starts == 3
    assert "run-as-root" in live.host.in_force


# -- keys ----


def pem(form: serialization.PrivateFormat, key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def other_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


PKCS1 = serialization.PrivateFormat.TraditionalOpenSSL
PKCS8 = serialization.PrivateFormat.PKCS8
KEYS = "dkim-keys:\n  example.com/s1: {private-key: file:keys/s1.pem}\n"
LIVE_KEY = "/etc/pmta/dkim/s1.example.com.pem"


def key_path(project: ProjectFolder) -> str:
    """Where the key file is on the host."""
    document = [
        c["file"] for c in project.plan("--format", "json").json()["hosts"][0]["changes"] if "dkim" in c["address"]
    ]
    return str(document[0])


def test_a_key_is_there_and_private_before_the_configuration_names_it(
    project: ProjectFolder, key: rsa.RSAPrivateKey
) -> None:
    host = project.add_host("mta1", pmta=True)
    project.add_file("keys/s1.pem", pem(PKCS8, key))
    project.stack(KEYS)
    path = key_path(project)
    program = host.at("/usr/sbin/pmta")
    program.rename(program.with_name("pmta.behind"))
    host.put(
        f"#!/bin/sh\n[ \"$*\" != 'test config' ] || stat -c %a {host.at(path)} >{host.root}/seen\n"
        f'exec {host.root}/usr/sbin/pmta.behind "$@"\n',
        "/usr/sbin/pmta",
        0o755,
    )
    project.apply().ended(Exit.OK)
    assert host.read("/seen") == "600\n"
    assert host.at(path).read_bytes() == pem(PKCS8, key)
    assert path in host.in_force
    project.settled()


def test_the_same_key_in_another_encoding_is_no_change(
    one: ProjectFolder, key: rsa.RSAPrivateKey, other_key: rsa.RSAPrivateKey
) -> None:
    one.add_file("keys/s1.pem", pem(PKCS8, key))
    one.stack(KEYS, activation="none")
    path = key_path(one)
    one.apply().ended(Exit.OK)
    one.add_file("keys/s1.pem", pem(PKCS1, key))
    one.settled()
    one.apply().ended(Exit.OK)
    assert one.host.at(path).read_bytes() == pem(PKCS8, key)
    one.add_file("keys/s1.pem", pem(PKCS8, other_key))
    assert dangers(one.plan("--format", "json")) == {"signing-key-replaced"}
    one.apply().ended(Exit.BLOCKED)
    one.apply("--allow", "signing-key-replaced").ended(Exit.OK)
    assert one.host.at(path).read_bytes() == pem(PKCS8, other_key)


def test_a_key_that_others_may_read_is_made_private(one: ProjectFolder, key: rsa.RSAPrivateKey) -> None:
    one.add_file("keys/s1.pem", pem(PKCS8, key))
    one.stack(KEYS, activation="none")
    path = key_path(one)
    one.apply().ended(Exit.OK)
    one.host.at(path).chmod(0o644)
    result = one.plan().ended(Exit.OK)
    assert "0644 -> 0600" in result.words
    one.apply().ended(Exit.OK)
    assert one.host.mode(path) == 0o600
    one.settled()


def test_a_key_goes_after_the_configuration_that_named_it(live: ProjectFolder, key: rsa.RSAPrivateKey) -> None:
    live.add_file("keys/s1.pem", pem(PKCS8, key))
    live.stack(KEYS)
    path = key_path(live)
    live.apply().ended(Exit.OK)
    live.stack(WANTED)
    assert dangers(live.plan("--format", "json")) == {"signing-key-removed"}
    live.host.fault("reload", "fail")
    live.apply("--allow", "signing-key-removed").ended(Exit.SOME_FAILED)
    assert live.host.at(path).read_bytes() == pem(PKCS8, key)
    assert path in live.host.in_force
    live.apply("--allow", "signing-key-removed").ended(Exit.OK)
    assert not live.host.at(path).exists()
    assert path not in live.host.in_force
    live.run("rollback", "mta1", "--auto-approve").ended(Exit.OK)
    assert live.host.at(path).read_bytes() == pem(PKCS8, key)
    assert live.host.mode(path) == 0o600
    assert path in live.host.in_force


def test_a_key_that_is_gone_from_the_host_is_missing_and_put_there_again(
    one: ProjectFolder, key: rsa.RSAPrivateKey
) -> None:
    one.add_file("keys/s1.pem", pem(PKCS8, key))
    one.stack(KEYS, activation="none")
    path = key_path(one)
    one.apply().ended(Exit.OK)
    one.host.at(path).unlink()
    document = one.plan("--format", "json").json()["hosts"][0]["changes"]
    assert [(c["address"], c["action"], c["reason"]) for c in document] == [
        ("dkim-key[example.com/s1]", "create", "missing")
    ]
    one.apply().ended(Exit.OK)
    assert one.host.at(path).read_bytes() == pem(PKCS8, key)
