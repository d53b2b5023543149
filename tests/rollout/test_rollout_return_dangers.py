"""What comes back, is kept or is gone on with is looked at for dangers as a plan is."""

from __future__ import annotations

import json

import pytest
from projects import CONFIG, RUNS, ProjectFolder

from pmtaform.diagnostics import Exit
from pmtaform.host import FileWrite, HostSpec, Status, Transaction, apply
from pmtaform.lang.includes import read_configuration
from pmtaform.model.desired import Limits
from pmtaform.plan.between import FileMoves, plan_between
from pmtaform.plan.dangers import danger_kinds
from pmtaform.transports.local import LOCAL

PLAIN = "postmaster: a@example.com"
SLOW = "domain: {gmail.com: {max-msg-rate: 100/h}}"
FAST = "domain: {gmail.com: {max-msg-rate: 9000/h}}"
OPEN = "source: {0/0: {always-allow-relaying: yes}}"
VMTAS = """
virtual-mta:
  a: {smtp-source-host: 192.0.2.1 a.example.com}
  b: {smtp-source-host: 192.0.2.2 b.example.com}
virtual-mta-pool: {p: {virtual-mta: %s}}
"""
ADMINS = "http-access: [127.0.0.1 admin%s]"
KEY = "/etc/pmta/keys/s1.pem"

# The first configuration, which a rollback restores, the second one, and the danger of the rollback.
RETURNS = [
    pytest.param(FAST, SLOW, "rate-raised", id="a-limit"),
    pytest.param(PLAIN, f"{PLAIN}\n{SLOW}", "rate-raised", id="a-limit-that-goes"),
    pytest.param(OPEN, PLAIN, "open-relay", id="an-open-relay"),
    pytest.param(ADMINS % ", 192.0.2.0/24 admin", ADMINS % "", "access-opened", id="the-web-monitor"),
    pytest.param(PLAIN, VMTAS % "[a, b]", "virtual-mta-removed", id="virtual-mtas"),
    pytest.param(SLOW, FAST, None, id="a-lower-limit"),
    pytest.param(PLAIN, "postmaster: b@example.com", None, id="another-word"),
    pytest.param(PLAIN, f"{PLAIN}\nhttp-log-requests: yes", None, id="a-block-that-goes"),
    pytest.param("run-as-root: no", PLAIN, None, id="a-restart-that-is-not-made"),
]
ALL = tuple(word for code in danger_kinds() for word in ("--allow", code))


def applied(project: ProjectFolder, *configs: str) -> None:
    for config in configs:
        project.config(config)
        project.apply(*ALL).ended(Exit.OK)


@pytest.mark.parametrize(("first", "then", "danger"), RETURNS)
def test_a_rollback_needs_consent_for_what_comes_back(
    one: ProjectFolder, first: str, then: str, danger: str | None
) -> None:
    applied(one, first, then)
    before = one.host.tree()
    if danger is None:
        one.run("rollback", "mta1", "--auto-approve").ended(Exit.OK)
        return
    for arguments in ((), ("--format", "json")):
        result = one.run("rollback", "mta1", "--auto-approve", *arguments).ended(Exit.BLOCKED)
        assert f"[{danger}]" in result.words
        assert f"--allow {danger}" in result.words
        assert one.host.tree() == before
    undo = json.loads(result.out.splitlines()[0])
    assert (undo["kind"], undo["dangers"][0]["code"]) == ("pmtaform-undo", danger)
    assert len(one.run("rollback", "mta1", "--list", "--format", "json").json()["generations"]) == 2
    one.run("rollback", "mta1", "--auto-approve", *ALL).ended(Exit.OK)


def test_it_says_what_comes_back_before_it_asks(one: ProjectFolder) -> None:
    applied(one, FAST, SLOW)
    result = one.run("rollback", "mta1")
    assert "Of the configuration: 1 to update." in result.words
    assert "Dangers, which need consent by name: rate-raised" in result.words
    assert "100/h -> 9000/h" in result.words


def test_a_name_that_no_danger_has_is_refused(one: ProjectFolder) -> None:
    applied(one, FAST, SLOW)
    assert (
        "rate-raised" in one.run("rollback", "mta1", "--auto-approve", "--allow", "rate-rased").ended(Exit.USAGE).words
    )


# -- recover --confirm ----


def pending(project: ProjectFolder, config: str) -> None:
    """Anna has made a change from her laptop, and has not confirmed it."""
    spec = HostSpec(name="mta1", transport=LOCAL, root=str(project.host.root))
    session = spec.open()
    change = Transaction(
        id="anna-1",
        who="anna@laptop",
        what="a change",
        started="2026-11-25T12:00:00Z",
        writes=(FileWrite(path=CONFIG, content=config.encode()),),
        confirm_within=600,
    )
    assert apply(session, spec, change, lambda: session).status is Status.PENDING
    session.close()


RELAY = "<source 0/0>\n    always-allow-relaying yes\n</source>\n"
LIMIT = "<domain gmail.com>\n    max-msg-rate %s\n</domain>\n"


@pytest.fixture
def host(project: ProjectFolder) -> ProjectFolder:
    project.add_host("mta1", RUNS + LIMIT % "100/h").stand_in()
    project.stack("config: {postmaster: a@example.com}\n")
    return project


@pytest.mark.parametrize(
    ("config", "danger"),
    [
        pytest.param(RUNS + LIMIT % "100/h" + RELAY, "open-relay", id="an-open-relay"),
        pytest.param(RUNS + LIMIT % "9000/h", "rate-raised", id="a-limit"),
        pytest.param(RUNS, "rate-raised", id="a-limit-that-goes"),
        pytest.param(RUNS + LIMIT % "50/h", None, id="a-lower-limit"),
        pytest.param(RUNS + LIMIT % "100/h" + "# a word\n", None, id="a-comment"),
    ],
)
def test_a_change_that_someone_left_is_kept_with_consent_only(
    host: ProjectFolder, config: str, danger: str | None
) -> None:
    pending(host, config)
    if danger is not None:
        result = host.run("recover", "--confirm").ended(Exit.BLOCKED)
        assert f"[{danger}]" in result.words
        (row,) = host.run("recover", "--confirm", "--format", "json").ended(Exit.BLOCKED).json()["hosts"]
        assert row["awaiting"]["transaction"] == "anna-1"
        assert row["problem"]["code"] == danger
        assert host.host.marked("pending"), "it still waits"
        host.run("recover", "--confirm", "--allow", danger).ended(Exit.OK)
    else:
        host.run("recover", "--confirm").ended(Exit.OK)
    assert host.host.read() == config
    assert host.host.leftovers() == []


def test_a_dangerous_change_is_reverted_without_consent(host: ProjectFolder) -> None:
    pending(host, RUNS + RELAY)
    host.run("recover", "--revert").ended(Exit.OK)
    assert host.host.read() == RUNS + LIMIT % "100/h"


# -- apply --resume ----


def test_a_run_that_is_gone_on_with_needs_the_consent_again(project: ProjectFolder) -> None:
    for name in ("mta1", "mta2"):
        project.add_host(name, RUNS + LIMIT % "100/h").stand_in()
    project.hosts["mta2"].tell("fail-reload", "1\n")
    project.stack(f"config: {{{FAST}}}\nrollout: {{canary: 1, stage-first: false, on-failure: stop}}\n")
    project.apply("--allow", "rate-raised").ended(Exit.SOME_FAILED)
    run = project.run("history", "--format", "json").json()["runs"][-1]["run"]
    result = project.run("apply", "fleet", "--auto-approve", "--resume", run).ended(Exit.BLOCKED)
    assert "--allow rate-raised" in result.words
    project.run("apply", "fleet", "--auto-approve", "--resume", run, "--allow", "rate-raised").ended(Exit.OK)
    assert "9000/h" in project.hosts["mta2"].running


# -- files beside the configuration ----


@pytest.mark.parametrize(
    ("moves", "danger"),
    [
        (FileMoves(removed=frozenset({KEY}), keys={"dkim-key[example.com/s1]": KEY}), "signing-key-removed"),
        (FileMoves(replaced=frozenset({KEY}), keys={"dkim-key[example.com/s1]": KEY}), "signing-key-replaced"),
        (FileMoves(removed=frozenset({"/etc/pmta/license"})), "licence-removed"),
        (FileMoves(removed=frozenset({"/etc/pmta/tls/a.pem"})), "named-file-removed"),
        (FileMoves(removed=frozenset({"/etc/pmta/other"})), None),
        (FileMoves(replaced=frozenset({"/etc/pmta/tls/a.pem"})), None),
        (FileMoves(removed=frozenset({KEY}), keys={f"file[{KEY}]": KEY}), None),
        (None, None),
    ],
)
def test_files_that_go_or_change_are_dangers_as_in_a_plan(moves: FileMoves | None, danger: str | None) -> None:
    content = b"smtp-server-tls-certificate /etc/pmta/tls/a.pem\n"
    same = read_configuration(CONFIG, {CONFIG: content})
    plan = plan_between("mta1", same, same, Limits(), moves)
    assert [item.code for item in plan.dangers] == ([danger] if danger else [])
    assert plan.changes == ()
