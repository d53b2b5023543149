"""Changes that need consent by name: nothing is written without it, and with it they are made."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from projects import RUNS, ProjectFolder, dangers
from signing_keys import pem

from pmtaform.diagnostics import Exit
from pmtaform.plan.dangers import danger_kinds


@dataclass(frozen=True)
class Case:
    """What a host has, what the stack says (below `config:`, and beside it), and the danger of going there."""

    before: str
    config: str
    code: str
    body: str = ""


# Those of files, of DNS and of rotation have their own tests.
ELSEWHERE = {
    "certificate-expired",
    "named-file-removed",
    "licence-removed",
    "log-file-removed",
    "dns-wrong",
    "dns-unknown",
    "dkim-not-published",
}
SAME = "log-file: /var/log/pmta/log"  # what the host has anyway
REMOVE = "unmanaged: remove\n"
POOLED = "".join(
    f"<virtual-mta v{n}>\n  smtp-source-host 192.0.2.{n + 1} v{n}.example.com\n</virtual-mta>\n" for n in range(5)
)
CASES = {
    "a directive that wants a restart": Case("run-as-root yes\n", "run-as-root: no", "restart"),
    "a section that wants a restart": Case(
        "<bounce-processor>\n  deliver-unmatched-email no\n</bounce-processor>\n",
        "bounce-processor: {deliver-unmatched-email: yes}",
        "restart",
    ),
    "the web monitor's port": Case("http-mgmt-port 8080\n", "http-mgmt-port: 8443", "restart"),
    "everyone may relay": Case("", 'source: {"0/0": {always-allow-relaying: yes}}', "open-relay"),
    "everyone may relay, in other words": Case(
        "<source 0.0.0.0/0>\n  always-allow-relaying no\n</source>\n",
        'source: {"0/0": {always-allow-relaying: true}}',
        "open-relay",
    ),
    "everyone may relay over IPv6": Case("", 'source: {"::/0": {always-allow-relaying: yes}}', "open-relay"),
    "a source that a listener gives to everyone": Case(
        "smtp-listener 0.0.0.0:25 source=public\n", "source: {public: {always-allow-relaying: yes}}", "open-relay"
    ),
    "mail for every domain": Case("", 'relay-domain: "*"', "open-relay"),
    "mail for one more domain": Case(
        "relay-domain example.com\n", "relay-domain: [example.com, example.org]", "relay-opened"
    ),
    "one more network may relay": Case("", "source: {10.0.0.0/8: {always-allow-relaying: yes}}", "relay-opened"),
    "the web monitor for everyone": Case(
        "http-access 0/0 none\n", "http-access: [10.0.0.0/8 admin, 0/0 none]", "access-opened"
    ),
    "more rights on the web monitor": Case(
        "http-access 10.0.0.0/8 monitor\n", "http-access: 10.0.0.0/8 admin", "access-opened"
    ),
    "a network that loses the web monitor": Case(
        "http-access 10.0.0.0/8 monitor\nhttp-access 127.0.0.1 admin\n",
        "http-access: 127.0.0.1 admin",
        "access-cut-off",
    ),
    "a listener on every address": Case(
        "smtp-listener 10.0.0.5:25\n", "smtp-listener: [10.0.0.5:25, '0.0.0.0:2525']", "submission-opened"
    ),
    "a source that goes, and opens the server": Case(
        "<source 0/0>\n  smtp-service no\n</source>\n", SAME, "submission-opened", REMOVE
    ),
    "a feeder that may relay no longer": Case(
        "<source 10.0.0.0/8>\n  always-allow-relaying yes\n</source>\n", SAME, "submission-cut-off", REMOVE
    ),
    "an account that goes": Case(
        "<smtp-user app>\n  password hard-to-guess\n</smtp-user>\n", SAME, "submission-cut-off", REMOVE
    ),
    "TLS is demanded": Case("", "domain: {'*': {require-starttls: yes}}", "tls-required"),
    "TLS is given up": Case(
        "<domain *>\n  require-starttls yes\n</domain>\n", "domain: {'*': {require-starttls: no}}", "tls-dropped"
    ),
    "a virtual MTA that signs no longer": Case(
        "<virtual-mta a>\n  domain-key s1, example.com, /etc/pmta/s1.pem\n  max-smtp-out 5\n</virtual-mta>\n",
        "virtual-mta: {a: {max-smtp-out: 5}}",
        "signing-key-removed",
    ),
    "keys in another order": Case(
        "domain-key s1,example.com,/etc/pmta/s1.pem\ndomain-key s2,example.com,/etc/pmta/s2.pem\n"
        "<domain *>\n  dkim-sign yes\n</domain>\n",
        "domain-key: ['s2,example.com,/etc/pmta/s2.pem', 's1,example.com,/etc/pmta/s1.pem']",
        "signing-changed",
    ),
    "a key in another file": Case(
        "domain-key s1,example.com,/etc/pmta/s1.pem\n<domain *>\n  dkim-sign yes\n</domain>\n",
        "domain-key: 's1,example.com,/etc/pmta/s2.pem'",
        "signing-key-replaced",
    ),
    "mail that is no longer to be signed": Case(
        "domain-key s1,example.com,/etc/pmta/s1.pem\n<domain *>\n  dkim-sign yes\n</domain>\n",
        "domain: {'*': {dkim-sign: no}}",
        "signing-key-removed",
    ),
    "a global key that goes": Case(
        "domain-key s1, example.com, /etc/pmta/s1.pem\n", SAME, "signing-key-removed", REMOVE
    ),
    "another key in the same file": Case(
        "",
        SAME,
        "signing-key-replaced",
        "dkim-keys:\n  example.com/s1: {private-key: file:key.pem, path: /etc/pmta/s1.pem}\n",
    ),
    "a virtual MTA on another address": Case(
        "<virtual-mta a>\n  smtp-source-host 192.0.2.1 a.example.com\n</virtual-mta>\n",
        "virtual-mta: {a: {smtp-source-host: 192.0.2.2 a.example.com}}",
        "source-address-removed",
    ),
    "a virtual MTA that goes": Case(
        "<virtual-mta a>\n  smtp-source-host 192.0.2.1 a.example.com\n</virtual-mta>\n",
        SAME,
        "virtual-mta-removed",
        REMOVE,
    ),
    "a pool without members": Case(
        "<virtual-mta-pool p>\n  virtual-mta a\n</virtual-mta-pool>\n<virtual-mta a>\n</virtual-mta>\n",
        "virtual-mta-pool: {p: {max-smtp-out: 5}}",
        "pool-emptied",
    ),
    "a pool that loses four of five virtual MTAs": Case(
        POOLED
        + "<virtual-mta-pool p>\n"
        + "".join(f"  virtual-mta v{n}\n" for n in range(5))
        + "</virtual-mta-pool>\n",
        "virtual-mta-pool: {p: {virtual-mta: v0}}",
        "share-raised",
    ),
    "a pool that sends from another address": Case(
        POOLED + "<virtual-mta-pool p>\n  virtual-mta v0\n</virtual-mta-pool>\n",
        "virtual-mta-pool: {p: {virtual-mta: v1}}",
        "routing-changed",
    ),
    "a rate ten times as high": Case(
        "<domain gmail.com>\n  max-msg-rate 100/h\n</domain>\n",
        "domain: {gmail.com: {max-msg-rate: 1000/h}}",
        "rate-raised",
    ),
    "a rate that is higher in another unit": Case(
        "<domain gmail.com>\n  max-msg-rate 100/h\n</domain>\n",
        "domain: {gmail.com: {max-msg-rate: 10/m}}",
        "rate-raised",
    ),
    "a rate without limit": Case(
        "<domain gmail.com>\n  max-msg-rate 100/h\n</domain>\n",
        "domain: {gmail.com: {max-msg-rate: unlimited}}",
        "rate-raised",
    ),
    "a rate whose line goes": Case(
        "<domain gmail.com>\n  max-msg-rate 100/h\n  max-smtp-out 5\n</domain>\n",
        "domain: {gmail.com: {max-smtp-out: 5}}",
        "rate-raised",
    ),
    "connections ten times as many": Case(
        "<domain gmail.com>\n  max-smtp-out 5\n</domain>\n", "domain: {gmail.com: {max-smtp-out: 50}}", "rate-raised"
    ),
    "a rate inside of a virtual MTA": Case(
        "<virtual-mta a>\n  <domain gmail.com>\n    max-msg-rate 100/h\n  </domain>\n</virtual-mta>\n",
        "virtual-mta: {a: {domain: {gmail.com: {max-msg-rate: 9000/h}}}}",
        "rate-raised",
    ),
    "a queue that slows down no longer": Case(
        "<smtp-pattern-list slow>\n  reply /421/ mode=backoff\n</smtp-pattern-list>\n"
        "<domain *>\n  smtp-pattern-list slow\n  backoff-to-normal-after 1h\n</domain>\n",
        "domain: {'*': {backoff-to-normal-after: 1h}}",
        "backoff-disabled",
    ),
    "a queue that never speeds up again": Case(
        "<smtp-pattern-list slow>\n  reply /421/ mode=backoff\n</smtp-pattern-list>\n"
        "<domain *>\n  smtp-pattern-list slow\n  backoff-to-normal-after 1h\n</domain>\n",
        "domain: {'*': {smtp-pattern-list: slow}}",
        "backoff-unending",
    ),
    "mail that bounces sooner": Case(
        "<domain x.example>\n  max-smtp-out 20\n</domain>\n",
        "domain: {x.example: {bounce-after: 1d}}",
        "mail-lost",
    ),
    "every message is copied": Case(
        "<source 10.0.0.0/8>\n  log-connections no\n</source>\n",
        "source: {10.0.0.0/8: {bcc: archive@example.com}}",
        "mail-copied",
    ),
    "a suppression list is detached": Case(
        "<address-list stop>\n  domain x.example\n</address-list>\n"
        "<source 10.0.0.0/8>\n  suppression-lists stop\n</source>\n",
        "source: {10.0.0.0/8: {log-connections: no}}",
        "suppression-lifted",
    ),
    "an accounting file without bounces": Case(
        "<acct-file /var/log/pmta/acct.csv>\n  records d,b\n</acct-file>\n",
        "acct-file: {/var/log/pmta/acct.csv: {records: d}}",
        "records-lost",
    ),
    "a configuration that no one has seen": Case("", "include: https://conf.example.com/pmta", "unseen-contents"),
    "a large part of all blocks": Case(
        "".join(f"<domain d{n}.example.com>\n  max-smtp-out 20\n</domain>\n" for n in range(5)),
        SAME,
        "many-deletions",
        REMOVE,
    ),
}


def prepared(one: ProjectFolder, case: Case) -> None:
    one.host.put(RUNS + case.before)
    one.host.put("an old key\n", "/etc/pmta/s1.pem", 0o600)
    one.add_file("key.pem", pem())
    one.config(case.config, case.body)
    if case.code == "restart":  # no restart is ours where PowerMTA is not
        one.host.emulate()
        one.config(case.config, case.body, activation="reload")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_danger_needs_consent(one: ProjectFolder, case: Case) -> None:
    prepared(one, case)
    before = one.host.tree()
    assert dangers(one.plan("--format", "json").ended(Exit.OK)) == {case.code}
    text = one.plan().ended(Exit.OK)
    assert f"To consent: pmtaform apply fleet --allow {case.code}" in text.out
    result = one.apply().ended(Exit.BLOCKED)
    assert f"--allow {case.code}" in result.words
    others = [word for code in danger_kinds() if code != case.code for word in ("--allow", code)]
    one.apply(*others).ended(Exit.BLOCKED)
    assert one.host.tree() == before
    assert not one.state_file.exists()
    one.apply("--allow", case.code).ended(Exit.OK)
    one.settled()


def test_a_plan_that_takes_the_log_file_away_stops(one: ProjectFolder) -> None:
    one.host.put(RUNS)
    one.config("postmaster: b@example.com", REMOVE)
    assert "log-file-removed" in dangers(one.plan("--format", "json").ended(Exit.OK))
    before = one.host.tree()
    assert "does not start without a `log-file`" in one.apply().ended(Exit.BLOCKED).words
    assert one.host.tree() == before


def test_where_the_stack_activates_nothing_no_restart_is_asked_for(one: ProjectFolder) -> None:
    one.config("run-as-root: no")
    result = one.plan().ended(Exit.OK)
    assert "takes effect when PowerMTA is restarted" in result.words
    one.apply().ended(Exit.OK)


def test_every_danger_is_specified() -> None:
    assert {case.code for case in CASES.values()} | ELSEWHERE == danger_kinds().keys()


HARMLESS = {
    "relaying from this machine": Case("", "source: {127.0.0.1: {always-allow-relaying: yes}}", ""),
    "relaying for those who log in": Case("", 'source: {"{auth}": {always-allow-relaying: yes}}', ""),
    "a relay that is closed": Case(
        "<source 0/0>\n  always-allow-relaying yes\n</source>\n", 'source: {"0/0": {always-allow-relaying: no}}', ""
    ),
    "the web monitor from this machine": Case("", "http-access: [127.0.0.1 admin, '::1 admin']", ""),
    "a web monitor that is closed": Case("http-access 0/0 admin\n", "http-access: 0/0 none", ""),
    "the next selector": Case(
        "<virtual-mta a>\n  domain-key s1, example.com, /etc/pmta/s1.pem\n</virtual-mta>\n",
        "virtual-mta: {a: {domain-key: 's2, example.com, /etc/pmta/s2.pem'}}",
        "",
    ),
    "another name on the same address": Case(
        "<virtual-mta a>\n  smtp-source-host 192.0.2.1 a.example.com\n</virtual-mta>\n",
        "virtual-mta: {a: {smtp-source-host: 192.0.2.1 b.example.com}}",
        "",
    ),
    "one more address": Case(
        "<virtual-mta a>\n  smtp-source-host 192.0.2.1 a.example.com\n</virtual-mta>\n",
        "virtual-mta: {a: {smtp-source-host: [192.0.2.1 a.example.com, 192.0.2.2 a.example.com]}}",
        "",
    ),
    "a rate three times as high": Case(
        "<domain gmail.com>\n  max-msg-rate 100/h\n</domain>\n", "domain: {gmail.com: {max-msg-rate: 300/h}}", ""
    ),
    "a lower rate": Case(
        "<domain gmail.com>\n  max-msg-rate 100/m\n</domain>\n", "domain: {gmail.com: {max-msg-rate: 100/h}}", ""
    ),
    "a few deletions": Case(
        "".join(f"<domain d{n}.example.com>\n  max-smtp-out 20\n</domain>\n" for n in range(3)), SAME, "", REMOVE
    ),
}


@pytest.mark.parametrize("case", HARMLESS.values(), ids=HARMLESS)
def test_what_is_no_danger_needs_no_consent(one: ProjectFolder, case: Case) -> None:
    prepared(one, case)
    one.apply().ended(Exit.OK)
    one.settled()


def test_the_limits_are_the_stacks_own(one: ProjectFolder) -> None:
    rate = CASES["a rate ten times as high"]
    prepared(one, rate)
    one.config(rate.config, "limits: {rate-factor: 20}\n")
    assert dangers(one.plan("--format", "json")) == set()
    many = CASES["a large part of all blocks"]
    prepared(one, many)
    one.config("log-file: /var/log/pmta/log", REMOVE + "limits: {deletions: 90%}\n")
    assert dangers(one.plan("--format", "json")) == set()
    one.config("log-file: /var/log/pmta/log", REMOVE + "limits: {deletions-free: 5}\n")
    assert dangers(one.plan("--format", "json")) == set()


def test_a_saved_plan_needs_consent_too(one: ProjectFolder) -> None:
    prepared(one, CASES["a rate ten times as high"])
    path = one.save_plan()
    before = one.host.tree()
    one.run("apply", path).ended(Exit.BLOCKED)
    assert one.host.tree() == before
    one.run("apply", path, "--allow", "rate-raised").ended(Exit.OK)


def test_a_danger_on_one_host_blocks_the_run_before_any_host_is_touched(project: ProjectFolder) -> None:
    fast = "<domain gmail.com>\n  max-msg-rate 100/h\n</domain>\n"
    project.add_host("mta1")
    project.add_host("mta2", RUNS + fast)
    project.config("domain: {gmail.com: {max-msg-rate: 9000/h}}")
    before = project.hosts["mta1"].tree()
    project.apply().ended(Exit.BLOCKED)
    assert project.hosts["mta1"].tree() == before
    project.apply("--host", "mta1").ended(Exit.OK)
