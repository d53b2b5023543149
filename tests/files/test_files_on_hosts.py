"""Files beside the configuration, from a stack to a host and off it again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from projects import RUNS, HostFolder, ProjectFolder, addresses, dangers
from sshd import Sshd
from tls_files import Made, made

from pmtaform.diagnostics import Exit
from pmtaform_emulator import calls

TLS = "/etc/pmta/tls/mx.pem"
LICENCE = "/etc/pmta/license"
FRAGMENT = "/etc/pmta/patterns.inc"
CONFIG = f"""
    smtp-server-tls-certificate: {TLS}
    smtp-pattern-list: {{throttled: {{include: {FRAGMENT}}}}}
"""
FILES = f"""
files:
  {TLS}: {{file: tls/mx.pem, private-key: "file:mx.key"}}
  {LICENCE}: {{secret: "file:licence"}}
  {FRAGMENT}: {{content: "reply /^421/ mode=backoff"}}
"""
RULE = "reply /^421/ mode=backoff\n"
SECRET_TEXT = "LICENCE-OF-1234\n"


@pytest.fixture(scope="module")
def issuer() -> Made:
    return made("Test Issuer")


@pytest.fixture(scope="module")
def mx(issuer: Made) -> Made:
    return made("mx.example.com", issuer, also=("mx2.example.com",))


@pytest.fixture
def fleet(one: ProjectFolder, mx: Made, issuer: Made) -> ProjectFolder:
    """A project with one host, and what its files are made of."""
    give(one, mx, issuer)
    one.add_file("licence", SECRET_TEXT)
    one.config(CONFIG, FILES)
    return one


def give(project: ProjectFolder, mx: Made, issuer: Made) -> None:
    project.add_file("tls/mx.pem", mx.pem + issuer.pem)
    project.add_file("mx.key", mx.key_pem)


def values(result: Any, address: str) -> dict[str, tuple[list[str], list[str]]]:
    """What a plan in JSON says of a file: name -> (before, after)."""
    for host in result.json()["hosts"]:
        for change in host["changes"]:
            if change["address"] == address:
                return {v["name"] or v["path"][0]: (v["before"], v["after"]) for v in change["values"]}
    raise AssertionError(f"{address} does not change")


# -- put there ----


def test_files_are_written_with_their_content_mode_and_folders(fleet: ProjectFolder, mx: Made, issuer: Made) -> None:
    fleet.apply().ended(Exit.OK)
    host = fleet.host
    assert host.read(TLS) == (mx.pem + issuer.pem + mx.key_pem).decode()
    assert host.read(LICENCE) == SECRET_TEXT
    assert host.read(FRAGMENT) == RULE
    assert (host.mode(TLS), host.mode(LICENCE), host.mode(FRAGMENT)) == (0o600, 0o600, 0o640)
    assert host.leftovers() == []
    fleet.settled()
    assert set(fleet.state["hosts"]["mta1"]["keys"]) == {f"file[{path}]" for path in (TLS, LICENCE, FRAGMENT)}
    shown = fleet.run("state", "show", "mta1", "fleet").ended(Exit.OK)
    assert "others: 3 files beside the configuration" in " ".join(shown.out.split())


def test_a_plan_says_what_they_are_and_never_what_is_secret(fleet: ProjectFolder, mx: Made) -> None:
    result = fleet.plan()
    assert "certificate  mx.example.com (also for mx2.example.com), expires 20" in result.out
    assert "with Test Issuer" in result.out
    assert "private-key  EC secp256r1" in result.out
    assert "tls/mx.pem and file:mx.key (digest " in result.out
    assert "+ kind     licence" in result.out
    assert "+ reply /^421/ mode=backoff" in result.out
    path = fleet.save_plan()
    outputs = [result.all, fleet.plan("--format", "json").all, fleet.plan("--diff").all, Path(path).read_text()]
    fleet.apply().ended(Exit.OK)
    for text in (*outputs, fleet.state_file.read_text(), fleet.run("state", "show", "mta1", "fleet").all):
        assert mx.secret_line not in text
        assert SECRET_TEXT.strip() not in text


def test_a_new_certificate_is_reported_by_its_end_and_its_key(fleet: ProjectFolder, issuer: Made) -> None:
    fleet.apply().ended(Exit.OK)
    renewed = made("mx.example.com", issuer, ends=datetime(2050, 3, 1, tzinfo=UTC))
    give(fleet, renewed, issuer)
    document = fleet.plan("--format", "json")
    assert addresses(document) == {("update", f"file[{TLS}]")}
    (change,) = document.json()["hosts"][0]["changes"]
    assert (change["reason"], change["impact"]) == ("changed", "reload")
    assert "does not state whether a reload reads a certificate with the same path again" in change["impact_note"]
    told = values(document, f"file[{TLS}]")
    assert told["certificate"][1] == ["mx.example.com, expires 2050-03-01; with Test Issuer"]
    assert told["private-key"][0] != told["private-key"][1]
    fleet.apply().ended(Exit.OK)
    assert fleet.host.read(TLS).encode().endswith(renewed.key_pem)
    fleet.settled()


def test_a_fragment_is_reported_line_by_line_with_words_for_secrets_masked(fleet: ProjectFolder) -> None:
    fleet.apply().ended(Exit.OK)
    fleet.add_file("p.inc", RULE + "reply /x/ mode=normal\nauth-password Zq8-vbn2-77Lk-x1\n")
    fleet.config(CONFIG, FILES.replace('{content: "reply /^421/ mode=backoff"}', "{file: p.inc}"))
    result = fleet.apply("--allow", "misplaced-directive").ended(Exit.OK)
    assert "+ reply /x/ mode=normal  (line 2 of 3)" in result.out
    assert "Zq8-vbn2" not in result.all
    assert "mode=backoff" not in result.out, "what stays is not told"


def test_a_file_that_nothing_names_is_reported(fleet: ProjectFolder) -> None:
    assert "file-not-named" not in fleet.plan().all
    fleet.config("log-file: /var/log/pmta/log", FILES)
    result = fleet.plan()
    assert f"{TLS} is written to mta1, and no directive names it" in result.words
    assert f"{LICENCE} is put on mta1" not in result.words
    fleet.host.put(f"{RUNS}<domain a>\ninclude /etc/pmta/*.inc\n</domain>\nsmtp-server-tls-certificate {TLS} x\n")
    assert "file-not-named" not in fleet.plan().all, "what the host has and the stack leaves alone counts"


def test_a_fragment_belongs_to_what_takes_effect(one: ProjectFolder) -> None:
    own = "/etc/pmta/gmail.inc"
    for number in (7, 5):
        files = f"files: {{{own}: {{content: max-smtp-out {number}}}}}"
        one.config(f"domain: {{gmail.com: {{include: {own}}}}}", files)
        result = one.plan("--effective")
        if number == 7:
            one.apply().ended(Exit.OK)
    assert "max-smtp-out 7 -> 5" in result.words


def test_what_powermta_refuses_is_restored_with_its_files(one: ProjectFolder, mx: Made, issuer: Made) -> None:
    one.host.stand_in().tell("fail-reload")
    give(one, mx, issuer)
    one.stack(f"files: {{{TLS}: {{file: tls/mx.pem}}}}")
    one.apply().ended(Exit.SOME_FAILED)
    assert one.host.contents() == {"/etc/pmta/config": RUNS}
    assert one.host.leftovers() == []


def test_a_rollback_brings_the_old_file_back(fleet: ProjectFolder, mx: Made, issuer: Made) -> None:
    fleet.apply().ended(Exit.OK)
    before = fleet.host.contents()
    give(fleet, made("mx.example.com", issuer), issuer)
    fleet.apply().ended(Exit.OK)
    assert fleet.host.contents() != before
    fleet.run("rollback", "mta1", "--auto-approve").ended(Exit.OK)
    assert fleet.host.contents() == before
    assert fleet.host.mode(TLS) == 0o600


# -- what is there already ----


def test_what_is_there_already_is_taken_over_without_a_byte_changed(fleet: ProjectFolder, mx: Made) -> None:
    fleet.config("log-file: /var/log/pmta/log", f"files: {{{LICENCE}: {{secret: 'file:licence'}}}}")
    fleet.host.put(SECRET_TEXT, LICENCE, 0o640)
    before = fleet.host.tree()
    result = fleet.apply().ended(Exit.OK)
    assert result.out.startswith("No changes.")
    assert fleet.host.tree() == before
    assert f"mta1:file[{LICENCE}]" in fleet.run("state", "list", "fleet").out


def test_mode_and_owner_are_as_found_unless_the_stack_says_them(fleet: ProjectFolder) -> None:
    own = "/etc/pmta/list.txt"
    fleet.host.put("x\n", own, 0o604)
    fleet.config("log-file: /var/log/pmta/log", f"files: {{{own}: {{content: y}}}}")
    fleet.apply().ended(Exit.OK)
    assert fleet.host.mode(own) == 0o604
    fleet.config("log-file: /var/log/pmta/log", f'files: {{{own}: {{content: y, mode: "0440"}}}}')
    assert values(fleet.plan("--format", "json"), f"file[{own}]") == {"mode": (["0604"], ["0440"])}
    fleet.apply().ended(Exit.OK)
    assert fleet.host.mode(own) == 0o440
    fleet.settled()


def test_a_secret_that_others_can_read_is_closed(fleet: ProjectFolder) -> None:
    fleet.host.put(SECRET_TEXT, LICENCE, 0o644)
    fleet.config("log-file: /var/log/pmta/log", f"files: {{{LICENCE}: {{secret: 'file:licence'}}}}")
    assert values(fleet.plan("--format", "json"), f"file[{LICENCE}]") == {"mode": (["0644"], ["0640"])}
    fleet.apply().ended(Exit.OK)
    assert fleet.host.mode(LICENCE) == 0o640


# -- drift ----


def test_drift_is_seen_and_kept_apart_from_what_the_stack_changed(fleet: ProjectFolder) -> None:
    fleet.apply().ended(Exit.OK)
    fleet.host.put("reply /x/ mode=normal\n", FRAGMENT, 0o640)
    fleet.host.at(LICENCE).unlink()
    document = fleet.run("drift", "fleet", "--format", "json").json()["hosts"][0]
    assert document["files"] == {FRAGMENT: "changed: content", LICENCE: "is gone"}
    assert {block["address"] for block in document["blocks"]} == {f"file[{FRAGMENT}]", f"file[{LICENCE}]"}
    reasons = {c["address"]: c["reason"] for h in fleet.plan("--format", "json").json()["hosts"] for c in h["changes"]}
    assert reasons == {f"file[{FRAGMENT}]": "drift", f"file[{LICENCE}]": "missing"}
    fleet.add_file("licence", "ANOTHER\n")
    fleet.host.put(SECRET_TEXT + "x", LICENCE, 0o600)
    reasons = {c["address"]: c["reason"] for h in fleet.plan("--format", "json").json()["hosts"] for c in h["changes"]}
    assert reasons[f"file[{LICENCE}]"] == "both"
    fleet.apply().ended(Exit.OK)
    fleet.settled()


# -- and off it again ----


def test_what_left_the_stack_goes_from_the_host_if_it_was_ours(fleet: ProjectFolder) -> None:
    fleet.apply().ended(Exit.OK)
    fleet.host.put("mine\n", "/etc/pmta/tls/mine.pem")
    fleet.config("log-file: /var/log/pmta/log")
    result = fleet.plan("--format", "json")
    assert ("delete", f"file[{TLS}]") in addresses(result)
    assert dangers(result) == {"licence-removed"}, "nothing names the others any more"
    fleet.apply("--allow", "licence-removed").ended(Exit.OK)
    assert set(fleet.host.contents()) == {"/etc/pmta/config", "/etc/pmta/tls/mine.pem"}
    fleet.settled()


def test_a_file_that_is_still_named_goes_only_with_consent(fleet: ProjectFolder) -> None:
    fleet.apply().ended(Exit.OK)
    fleet.config(CONFIG, f"files: {{{LICENCE}: {{secret: 'file:licence'}}}}")
    assert dangers(fleet.plan("--format", "json")) == {"named-file-removed"}
    before = fleet.host.tree()
    fleet.apply().ended(Exit.BLOCKED)
    assert fleet.host.tree() == before
    fleet.apply("--allow", "named-file-removed").ended(Exit.OK)
    assert not fleet.host.at(TLS).exists()


def test_targets_protection_and_exceptions_hold_for_files_too(fleet: ProjectFolder) -> None:
    only = fleet.plan("--format", "json", "--target", "file[*]", "--exclude", f"file[{LICENCE}]")
    assert addresses(only) == {("create", f"file[{TLS}]"), ("create", f"file[{FRAGMENT}]")}
    fleet.config(CONFIG, FILES + f'lifecycle: {{ignore: ["file[{LICENCE}]"], protect: ["file[*.inc]"]}}\n')
    fleet.apply().ended(Exit.OK)
    assert not fleet.host.at(LICENCE).exists()
    fleet.host.put("other\n", FRAGMENT)
    result = fleet.apply().ended(Exit.BLOCKED)
    assert "Protected block would change" in result.words


# -- what is refused ----


def test_a_key_that_is_not_the_certificates_is_refused(fleet: ProjectFolder) -> None:
    fleet.add_file("mx.key", made("mx.example.com").key_pem)
    result = fleet.plan().ended(Exit.INVALID)
    assert "Certificate and private key do not match [certificate-key]" in result.words
    fleet.run("validate", "fleet").ended(Exit.OK)  # which looks up no secret


def test_a_certificate_that_expires_is_reported_and_one_that_has_expired_is_a_danger(
    fleet: ProjectFolder, issuer: Made
) -> None:
    give(fleet, made("mx.example.com", issuer, ends=datetime.now(UTC) + timedelta(days=10, hours=1)), issuer)
    result = fleet.plan()
    assert "in 10 days. Renew it." in result.words
    assert "certificate-expires" in fleet.run("validate", "fleet").ended(Exit.OK).err
    fleet.apply().ended(Exit.OK)
    assert "in 10 days. Renew it." in fleet.plan().words, "also when nothing changes"
    give(fleet, made("mx.example.com", issuer, ends=datetime.now(UTC) - timedelta(days=1)), issuer)
    assert dangers(fleet.plan("--format", "json")) == {"certificate-expired"}
    fleet.apply().ended(Exit.BLOCKED)
    fleet.apply("--allow", "certificate-expired").ended(Exit.OK)
    result = fleet.plan()
    assert "Expired certificate" in result.words
    assert "1 problem is listed below" in result.words


def test_a_file_that_the_host_reads_as_configuration_is_not_touched(one: ProjectFolder) -> None:
    own = "/etc/pmta/conf.d/own.conf"
    one.host.put(f"{RUNS}include /etc/pmta/conf.d/*.conf\n").put("postmaster a@example.com\n", own)
    one.config("log-file: /var/log/pmta/log", f"files: {{{own}: {{content: x}}}}")
    before = one.host.tree()
    result = one.apply().ended(Exit.BLOCKED)
    assert "Write it under `native` instead" in result.words
    assert one.host.tree() == before


def test_a_link_in_the_way_is_refused_by_the_host(fleet: ProjectFolder) -> None:
    fleet.host.at("/etc/pmta/tls").symlink_to(fleet.host.at("/tmp"))
    result = fleet.plan().ended(Exit.SOME_FAILED)
    assert "a symbolic link" in result.words


# -- what it needs to take effect ----


def test_the_web_monitors_certificate_restarts_the_web_monitor(live: ProjectFolder, mx: Made, issuer: Made) -> None:
    """docs/powermta/operations.md section 3: the web monitor's certificate file needs a restart of pmtahttp."""
    give(live, mx, issuer)
    body = "allowed-paths: [/var/lib/pmta]\nfiles:\n  /var/lib/pmta/webmon.pem: "
    live.stack(body + "{file: tls/mx.pem, private-key: 'file:mx.key'}\n")
    result = live.plan("--format", "json")
    assert dangers(result) == {"restart"}
    starts = live.host.starts
    live.apply().ended(Exit.BLOCKED)
    live.apply("--allow", "restart").ended(Exit.OK)
    assert live.host.mode("/var/lib/pmta/webmon.pem") == 0o600
    assert live.host.starts == starts, "PowerMTA itself went on"
    assert ("pmtahttp", "restart") in [(call["program"], call["command"]) for call in calls(live.host.root)]


@pytest.mark.sshd
def test_the_same_over_ssh(project: ProjectFolder, server: Sshd, mx: Made, issuer: Made) -> None:
    host = project.add_host("mta1")
    give(project, mx, issuer)
    project.add_file("licence", SECRET_TEXT)
    ca = "/etc/ssl/pmta/ca.pem"
    project.add_file("ca.pem", issuer.pem)
    body = f"config: {json.dumps({'smtp-server-tls-certificate': TLS})}\n" + FILES
    project.stack(body + f'  {ca}: {{file: ca.pem, kind: ca, mode: "0644"}}\n', hosts={"mta1": behind(server, host)})
    project.apply().ended(Exit.OK)
    assert host.read(TLS).encode().endswith(mx.key_pem)
    assert (host.mode(TLS), host.mode(ca)) == (0o600, 0o644)
    project.settled()
    project.stack("config: {log-file: /var/log/pmta/log}", hosts={"mta1": behind(server, host)})
    project.apply("--allow", "licence-removed").ended(Exit.OK)
    assert not host.at(ca).exists()
    assert host.leftovers() == []


def behind(server: Sshd, host: HostFolder) -> dict[str, Any]:
    """A host of a stack without PowerMTA: this folder, behind this server."""
    return {
        "transport": "ssh",
        "root": str(host.root),
        "address": server.address,
        "port": server.port,
        "user": server.user,
        "identity-files": [str(server.identity)],
        "known-hosts": str(server.known_hosts),
        "ssh-config": str(server.folder / "ssh_config"),
        "use-agent": False,
        "activation": "none",
    }
