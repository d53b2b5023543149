"""`pmtaform dkim verify` and the DNS of `dkim list`: from a host's key file to a real name server on loopback."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from dns_server import NameServer, Start
from projects import CommandResult, ProjectFolder
from signing_keys import FORMATS, other_type, pem, pkcs1, short

from pmtaform.api import Project
from pmtaform.diagnostics import Exit
from pmtaform.dkim import load_private_key
from pmtaform.dns.dkim_record import dkim_text
from pmtaform.dns.fake import FakeResolver
from pmtaform.dns.resolver import DnsAnswer, DnsServer, DnsStatus
from pmtaform.host import Snapshot, probe
from pmtaform.signing import verification
from pmtaform.signing.declared import declared_keys
from pmtaform.signing.verification import Confirmed, KeyVerification, verify_keys

AT = "s1._domainkey.example.com"
PATH = "/etc/pmta/dkim/s1.example.com.pem"


def shown(name: str = "one") -> str:
    """The record of a key."""
    return dkim_text(load_private_key(pem(name)).p)


def secret_lines(name: str) -> list[str]:
    """What must not be shown of a key: the lines of its private half, in either form."""
    return [line for form in (pem(name), pkcs1(name)) for line in form.decode().splitlines()[8:-1]]


@dataclass
class Mailing:
    """A stack with one key and its hosts, which have it, and the name server that shows it."""

    project: ProjectFolder
    server: NameServer
    zone: dict[tuple[str, str], Any] = field(default_factory=dict)

    def run(self, *words: str) -> CommandResult:
        return self.project.run("dkim", *words)

    def verified(self, code: int) -> dict[str, Any]:
        """The proof of the first host. Neither command nor record shows anything of a key."""
        result = self.run("verify", "--format", "json").ended(code)
        assert not [line for name in ("one", "two") for line in secret_lines(name) if line in result.all]
        document: dict[str, Any] = result.json()["proofs"][0]
        return document | {"codes": {each["code"] for each in document["findings"]}}


def answers(proof: dict[str, Any]) -> tuple[str, str, str]:
    return proof["as_stack"], proof["as_dns"], proof["verified"]


@pytest.fixture
def mailing(project: ProjectFolder, name_server: Start) -> Mailing:
    zone: dict[tuple[str, str], Any] = {(AT, "TXT"): [shown()]}
    made = Mailing(project, name_server(zone), zone)
    for name in ("mta1", "mta2"):
        project.add_host(name).put(pem(), PATH, 0o600)
    project.add_file("s1.pem", pem())
    dns = f'dns: {{resolvers: ["{made.server.server}"], timeout: 2s, tries: 1, authoritative: false}}\n'
    project.config(
        "domain: {'*': {dkim-sign: yes}}", 'dkim-keys: {example.com/s1: {private-key: "file:s1.pem"}}\n' + dns
    )
    return made


def test_hosts_that_sign_with_the_stacks_key_which_dns_shows(mailing: Mailing) -> None:
    before = {name: host.tree() for name, host in mailing.project.hosts.items()}
    result = mailing.run("verify").ended(Exit.OK)
    for line in result.out.splitlines()[:2]:
        assert line.endswith("stack yes, DNS yes, signature yes")
        assert load_private_key(pem()).fingerprint in line
    assert "2 keys on hosts: 2 right, 0 wrong, 0 not known." in result.out
    assert {name: host.tree() for name, host in mailing.project.hosts.items()} == before
    assert ("udp", AT, "TXT") in mailing.server.asked


def test_another_spelling_of_the_key_is_the_same_key(mailing: Mailing) -> None:
    mailing.project.host.put(pkcs1(), PATH, 0o600)
    mailing.zone[AT, "TXT"] = [f"p={load_private_key(pem()).p}"]
    assert answers(mailing.verified(Exit.OK)) == ("yes", "yes", "yes")


def test_a_host_with_a_key_of_its_own(mailing: Mailing) -> None:
    mailing.project.host.put(pem("two"), PATH, 0o600)
    proof = mailing.verified(Exit.SOME_FAILED)
    assert answers(proof) == ("no", "no", "no")
    assert proof["codes"] == {"host-key-differs", "dkim-key", "dkim-signature"}
    assert proof["fingerprint"] == load_private_key(pem("two")).fingerprint


def test_a_record_that_is_not_the_keys(mailing: Mailing) -> None:
    mailing.zone[AT, "TXT"] = [shown("two")]
    proof = mailing.verified(Exit.SOME_FAILED)
    assert answers(proof) == ("yes", "no", "no")
    assert proof["codes"] == {"dkim-key", "dkim-signature"}


def test_the_hosts_key_is_published_and_the_stacks_is_another(mailing: Mailing) -> None:
    mailing.project.add_file("s1.pem", pem("two"))
    proof = mailing.verified(Exit.SOME_FAILED)
    assert answers(proof) == ("no", "yes", "yes")


RECORDS: dict[str, tuple[Any, int, tuple[str, str, str], str]] = {
    "nothing there": (None, Exit.SOME_FAILED, ("yes", "no", "unknown"), "dkim-missing"),
    "revoked": ([dkim_text("")], Exit.SOME_FAILED, ("yes", "no", "no"), "dkim-revoked"),
    "no record": (["hello"], Exit.SOME_FAILED, ("yes", "no", "no"), "dkim-unreadable"),
    "in test": ([dkim_text(load_private_key(pem()).p, flags=("y",))], Exit.OK, ("yes", "yes", "yes"), "dkim-testing"),
    "a server that fails": (DnsStatus.FAILED, Exit.SOME_FAILED, ("yes", "no", "unknown"), "dns-failed"),
    "a server that refuses": (DnsStatus.REFUSED, Exit.UNREACHABLE, ("yes", "unknown", "unknown"), "dns-unreachable"),
}


@pytest.mark.parametrize("name", RECORDS)
def test_what_dns_says(mailing: Mailing, name: str) -> None:
    record, code, expected, finding = RECORDS[name]
    mailing.zone[AT, "TXT"] = record
    mailing.zone["example.com", "A"] = ["192.0.2.1"]
    proof = mailing.verified(code)
    assert answers(proof) == expected
    assert finding in proof["codes"]


FILES = {
    "not there": (None, "host-key-missing"),
    "damaged": (pem()[:500], "dkim-key-damaged"),
    "locked": (pem(passphrase=b"x"), "dkim-key-encrypted"),
    "Ed25519": (other_type("ed25519"), "dkim-key-type"),
    "too short": (short(), "dkim-key-too-short"),
    "two": (pem() + pem("two"), "dkim-key-several"),
    "in OpenSSH's form": (pem(form=FORMATS.OpenSSH), "host-key-form"),
}


@pytest.mark.parametrize("name", FILES)
def test_what_the_host_has_instead_of_a_key(mailing: Mailing, name: str) -> None:
    content, code = FILES[name]
    path = mailing.project.host.at(PATH)
    path.unlink()
    if content is not None:
        mailing.project.host.put(content, PATH, 0o600)
    proof = mailing.verified(Exit.SOME_FAILED)
    assert proof["codes"] == {code}
    assert answers(proof) == ("no", "unknown", "unknown")


def test_a_symbolic_link_is_no_key_file(mailing: Mailing) -> None:
    mailing.project.host.at(PATH).unlink()
    mailing.project.host.at(PATH).symlink_to("/etc/passwd")
    assert mailing.verified(Exit.SOME_FAILED)["codes"] == {"host-key-unreadable"}


def test_a_stacks_key_that_cannot_be_had_leaves_the_host_and_dns_to_compare(mailing: Mailing) -> None:
    (mailing.project.folder / "s1.pem").unlink()
    proof = mailing.verified(Exit.UNREACHABLE)
    assert answers(proof) == ("unknown", "yes", "yes")
    assert proof["codes"] == {"stack-key-unknown"}


def test_a_host_that_cannot_be_looked_at_keeps_no_one_else_from_being_verified(mailing: Mailing) -> None:
    stack = mailing.project.folder / "stack.yaml"
    stack.write_text(stack.read_text().replace("hosts/mta1", "hosts/gone"))
    proof = mailing.verified(Exit.UNREACHABLE)
    assert proof["codes"] == {"host-unreachable"}
    assert "1 right, 0 wrong, 1 not known" in mailing.run("verify").out
    assert mailing.run("verify", "--host", "mta2").ended(Exit.OK)


def test_a_host_that_is_reached_and_fails_is_wrong_and_not_unknown(
    mailing: Mailing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pmtaform.host.wire.program", lambda _op: b"echo no shell here >&2; exit 3\n")
    proof = mailing.verified(Exit.SOME_FAILED)
    assert proof["codes"] == {"host-failed"}
    assert answers(proof) == ("unknown", "unknown", "unknown")
    assert "no shell here" in proof["findings"][0]["detail"]


def test_a_hosts_configuration_is_not_fetched(mailing: Mailing, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Snapshot] = []

    def probed(*words: Any) -> Snapshot:
        seen.append(probe(*words))
        return seen[-1]

    monkeypatch.setattr(verification, "probe", probed)
    mailing.run("verify", "--host", "mta1").ended(Exit.OK)
    fetched = {path for snapshot in seen for path, live in snapshot.files.items() if live.content is not None}
    assert fetched == {PATH}


def test_dns_that_stops_to_answer_is_no_missing_record(mailing: Mailing) -> None:
    class Stops(FakeResolver):
        def ask(self, name: str, kind: str, *, server: DnsServer | None = None) -> DnsAnswer:
            answer = super().ask(name, kind, server=server)
            return answer if len(self.asked) == 1 else replace(answer, status=DnsStatus.TIMEOUT, records=())

    stack = Project(mailing.project.root).load("fleet")
    (proof,) = verify_keys(stack, declared_keys(stack, hosts=("mta1",)), resolver=Stops({(AT, "TXT"): [shown()]}))
    assert (proof.as_dns, proof.verified) == (Confirmed.YES, Confirmed.UNKNOWN)
    assert proof.is_unknown
    assert [each.code for each in proof.findings] == ["dns-unreachable"]


def test_servers_that_do_not_say_the_same(mailing: Mailing, name_server: Start) -> None:
    behind = name_server({(AT, "TXT"): [shown("two")]})
    stack = mailing.project.folder / "stack.yaml"
    stack.write_text(stack.read_text().replace("resolvers: [", f'resolvers: ["{mailing.server.server}", ', 1))
    stack.write_text(stack.read_text().replace(f', "{mailing.server.server}"]', f', "{behind.server}"]'))
    assert "dns-split" in mailing.verified(Exit.SOME_FAILED)["codes"]


def test_a_key_for_all_domains_is_compared_with_the_stacks_alone(mailing: Mailing) -> None:
    stack = mailing.project.folder / "stack.yaml"
    stack.write_text(stack.read_text().replace("example.com/s1: {", f"'*/s1': {{path: {PATH}, "))
    proof = mailing.verified(Exit.OK)
    assert answers(proof) == ("yes", "unknown", "unknown")
    assert proof["codes"] == {"dkim-all-domains"}


def test_a_key_that_a_line_alone_names_is_compared_with_dns_alone(mailing: Mailing) -> None:
    mailing.project.config(
        f"domain: {{'*': {{dkim-sign: yes}}}}\ndomain-key: 's1,example.com,{PATH}'",
        f'dns: {{resolvers: ["{mailing.server.server}"], timeout: 2s, tries: 1, authoritative: false}}\n',
    )
    proof = mailing.verified(Exit.OK)
    assert (answers(proof), proof["path"]) == (("unknown", "yes", "yes"), PATH)
    assert proof["codes"] == {"dkim-undeclared"}
    mailing.project.host.put(pem("two"), PATH, 0o600)
    proof = mailing.verified(Exit.SOME_FAILED)
    assert answers(proof) == ("unknown", "no", "no")


def test_a_proof_is_wrong_or_unknown_or_neither() -> None:
    fine = KeyVerification(host="h", domain="d", selector="s", path="/p", as_stack=Confirmed.YES, as_dns=Confirmed.YES)
    assert not fine.is_wrong
    assert not fine.is_unknown


# -- list ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "status"),
    [
        ([shown()], "published"),
        (None, "dkim-missing"),
        ([shown("two")], "dkim-key"),
        (DnsStatus.REFUSED, "dns-unreachable"),
    ],
)
def test_the_list_has_what_dns_says(mailing: Mailing, record: Any, status: str) -> None:
    mailing.zone[AT, "TXT"] = record
    result = mailing.run("list").ended(Exit.OK)
    assert f" {status} " in result.out
    (row,) = mailing.run("list", "--format", "json").ended(Exit.OK).json()["keys"]
    assert row["dns"] == status


def test_the_list_asks_no_one_where_it_is_reported_so(mailing: Mailing) -> None:
    assert "not-checked" in mailing.run("list", "--offline").out
    stack = mailing.project.folder / "stack.yaml"
    stack.write_text(stack.read_text().replace("dns: {", "dns: {mode: off, "))
    assert "not-checked" in mailing.run("list").out
    assert mailing.server.asked == []
