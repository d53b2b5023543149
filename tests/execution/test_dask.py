"""Hosts that workers of a real Dask cluster look at and change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cluster import Cluster, certificates, declare
from projects import ProjectFolder

from pmtaform.diagnostics import Exit

BODY = """
config:
  log-file: /var/log/pmta/log
  domain: {gmail.com: {max-smtp-out: 10}}
"""


def plain(document: Any) -> Any:
    """A plan without what differs each time."""
    return {k: v for k, v in document.items() if k not in {"id", "created", "checksum", "seal"}}


def test_a_plan_over_dask_is_the_same(fleet: ProjectFolder) -> None:
    declare(fleet, BODY)
    here = fleet.plan("--executor", "local", "--format", "json").json()
    assert plain(fleet.plan("--format", "json").json()) == plain(here)
    assert len(here["hosts"]) == 3
    assert fleet.plan("--diff").out == fleet.plan("--diff", "--executor", "local").out


def test_an_apply_over_dask_is_recorded_as_without(fleet: ProjectFolder) -> None:
    declare(fleet, BODY)
    result = fleet.apply().ended(Exit.OK)
    assert "mta1  applied (generation 1)" in result.out
    for host in fleet.hosts.values():
        assert "max-smtp-out 10" in host.running
        assert host.leftovers() == []
    fleet.settled()
    assert "under-way" not in fleet.state
    over = fleet.state["hosts"]["mta1"]
    assert fleet.plan("--executor", "local", "--detailed-exitcode").ended(Exit.OK)
    fleet.apply("--executor", "local").ended(Exit.OK)
    fleet.apply().ended(Exit.OK)
    assert comparable(fleet.state["hosts"]["mta1"]) == comparable(over)


def comparable(state: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in state.items() if name not in {"applied-at", "plan", "inputs"}}


def test_what_is_seen_of_the_fleet_is_the_same(fleet: ProjectFolder) -> None:
    declare(fleet, BODY)
    fleet.apply().ended(Exit.OK)
    fleet.hosts["mta2"].put(fleet.hosts["mta2"].read().replace("10", "99"))
    for command in ("drift", "hosts"):
        over, here = (fleet.run(command, "fleet", "--format", "json", *more) for more in ((), ("--executor", "local")))
        assert (over.code, over.json()) == (here.code, here.json()), command
        assert fleet.run(command, "fleet").out == fleet.run(command, "fleet", "--executor", "local").out


def test_a_host_that_rejects_the_change_is_rolled_back(fleet: ProjectFolder) -> None:
    declare(fleet, f"{BODY}\nrollout: {{canary: 1}}")
    fleet.hosts["mta1"].tell("fail-reload")
    result = fleet.apply().ended(Exit.SOME_FAILED)
    assert "mta1 rolled back" in result.words
    assert "mta2 not started" in result.words, "the budget is the client's"
    assert fleet.state["hosts"] == {}
    assert "under-way" not in fleet.state


def test_a_rehearsal_that_fails_changes_no_host(fleet: ProjectFolder) -> None:
    declare(fleet, BODY)
    fleet.hosts["mta3"].tell("fail-test")
    before = {name: host.running for name, host in fleet.hosts.items()}
    fleet.apply("--host", "mta*").ended(Exit.SOME_FAILED)
    assert {name: host.running for name, host in fleet.hosts.items()} == before
    assert [host.leftovers() for host in fleet.hosts.values()] == [[], [], []]


def test_a_saved_plan_is_applied_over_dask(fleet: ProjectFolder) -> None:
    declare(fleet, BODY)
    saved = fleet.save_plan()
    fleet.hosts["mta1"].put("log-file /var/log/pmta/log\npostmaster b@example.com\n")
    fleet.run("apply", saved).ended(Exit.STALE)
    fleet.run("apply", fleet.save_plan()).ended(Exit.OK)


def test_an_error_in_the_stack_is_the_same(fleet: ProjectFolder) -> None:
    declare(fleet, 'config: {postmaster: "${env:PMTAFORM_NOT_SET}"}\ndkim-keys: {a.org/s: {private-key: "env:NO_KEY"}}')
    over, here = fleet.plan(), fleet.plan("--executor", "local")
    assert (over.code, over.err) == (here.code, here.err)
    declare(fleet, BODY)
    over, here = (fleet.plan("--target", "domain[nowhere.org]", *more) for more in ((), ("--executor", "local")))
    assert (over.code, over.err) == (here.code, here.err)
    assert over.code == Exit.USAGE


# -- tags --------------------------------------------------------------------------------------------------------------


def test_a_host_goes_only_to_workers_with_its_tag(fleet: ProjectFolder) -> None:
    declare(fleet, BODY, via="fra")
    fleet.plan().ended(Exit.OK)


def test_a_tag_without_a_worker_is_reported_by_name(fleet: ProjectFolder) -> None:
    declare(fleet, BODY, via="nyc")
    result = fleet.plan().ended(Exit.UNREACHABLE)
    assert "None of 2 workers has the tag nyc" in result.words
    assert "--resources nyc=1" in result.words
    fleet.plan("--executor", "local").ended(Exit.OK)
    fleet.apply().ended(Exit.UNREACHABLE)
    assert fleet.state_file.exists() is False or fleet.state["hosts"] == {}


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("executors", "words", "code"),
    [
        ({"dask": "tcp://127.0.0.1:8786"}, "can run code on its workers", Exit.INVALID),
        ({"dask": "tls://127.0.0.1:1"}, "dask needs certificates", Exit.INVALID),
        ({"dask": {"address": "tls://x:1", "ca": "no.pem"}}, "together; there is no cert, key", Exit.INVALID),
        ({"dask": {"address": "tls://x:1", "CA": "no.pem"}}, 'has no option "CA"', Exit.INVALID),
        ({"dusk": "tls://x:1"}, 'there is no engine "dusk"', Exit.INVALID),
        ({"dask": "tls://x"}, '"tls://x" is not tls://HOST:PORT', Exit.INVALID),
        ({"dask": "tls://x:1", "other": "y"}, "Name one with --executor", Exit.USAGE),
    ],
)
def test_a_wrong_executor_is_refused(fleet: ProjectFolder, executors: Any, words: str, code: int) -> None:
    declare(fleet, BODY)
    (fleet.root / "pmtaform.yaml").write_text(json.dumps({"executors": executors}))
    assert words in fleet.plan().ended(code).words
    assert "not under `executors`" in fleet.plan("--executor", "nothing").ended(Exit.USAGE).words


@pytest.mark.parametrize(
    ("executors", "named", "words"),
    [
        ({}, "dask", "To work over it: executors: {dask: tls://scheduler:8786}"),
        ({}, "ray", "There is no executor. Omit --executor to work in this process."),
        ({"dask": "tls://x:1"}, "dsk", 'Did you mean "dask"?'),
        ({"dask": "tls://x:1"}, "ray", "There is: dask."),
    ],
)
def test_an_executor_that_is_not_configured(fleet: ProjectFolder, executors: Any, named: str, words: str) -> None:
    declare(fleet, BODY)
    (fleet.root / "pmtaform.yaml").write_text(json.dumps({"executors": executors} if executors else {}))
    assert words in fleet.plan("--executor", named).ended(Exit.USAGE).words


def test_certificates_that_cannot_be_read_are_not_a_scheduler_that_is_away(fleet: ProjectFolder) -> None:
    declare(fleet, BODY)
    files = {name: fleet.root / f"{name}.pem" for name in ("ca", "cert", "key")}
    for file in files.values():
        file.write_text("no certificate")
    options = {"address": "tls://127.0.0.1:1"} | {name: str(file) for name, file in files.items()}
    (fleet.root / "pmtaform.yaml").write_text(json.dumps({"executors": {"dask": options}}))
    result = fleet.plan().ended(Exit.INVALID)
    assert "the certificates of dask cannot be used" in result.words
    assert str(files["ca"]) in result.words


def test_what_needs_several_hosts_at_once_is_refused(fleet: ProjectFolder) -> None:
    declare(fleet, f"{BODY}\nrollout: {{on-failure: rollback-all}}")
    assert "on-failure: rollback-all" in fleet.apply().ended(Exit.USAGE).words
    assert "--executor local" in fleet.plan("--effective").ended(Exit.USAGE).words


def test_a_folder_of_the_stack_is_not_on_a_worker(fleet: ProjectFolder) -> None:
    fleet.hosts.clear()
    fleet.add_host("lab")
    fleet.stack(BODY, activation="none")
    assert "Local host in the folder of its stack" in fleet.plan().ended(Exit.SOME_FAILED).words


def test_a_client_with_another_certificate_is_refused(fleet: ProjectFolder, dask: Cluster, tmp_path: Path) -> None:
    declare(fleet, BODY)
    certificates(tmp_path)
    own = {name: str(tmp_path / f"{name}.pem") for name in ("ca", "cert", "key")}
    (fleet.root / "pmtaform.yaml").write_text(json.dumps({"executors": {"dask": {**dask.options, **own}}}))
    assert "Scheduler not reachable" in fleet.plan().ended(Exit.UNREACHABLE).words
