"""A key that is rotated: its whole life on a set clock, and all that may come in between."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from dns_server import Start
from projects import OFFLINE, RUNS, ProjectFolder
from rotating import DAY, KEY, NOON, Turning, few_keys

from pmtaform.api import check_consent
from pmtaform.clock import SetClock
from pmtaform.errors import Blocked, SecretUnavailable, UsageError
from pmtaform.plan.model import HostPlan, Plan
from pmtaform.secrets.provider import Unresolved


@pytest.fixture
def fleet(project: ProjectFolder, name_server: Start, monkeypatch: pytest.MonkeyPatch) -> Turning:
    """Two hosts without PowerMTA, and a stack that rotates a key of theirs."""
    few_keys(monkeypatch)
    for number in (1, 2):
        project.add_host(f"mta{number}")
    project.stack(KEY, **OFFLINE)
    return Turning(project, name_server)


def codes(plan: Plan | HostPlan) -> set[str]:
    """What is noted: of a plan, only what is about the run."""
    return {note.code for note in plan.notes}


def dangers(plans: tuple[HostPlan, ...]) -> set[str]:
    return {danger.code for plan in plans for _, danger in plan.all_dangers}


def test_from_the_first_key_to_the_second_and_the_end_of_the_first(fleet: Turning) -> None:
    first, second = "s-20260101", "s-20260330"
    # The first key is generated at once; without its record nothing signs.
    (made,) = fleet.rotate().generated
    assert (made.selector, made.reference) == (first, f"file:keys/{first}.pem")
    assert fleet.rotate().generated == ()
    assert fleet.stages() == {first: "generated"}
    fleet.apply()
    assert (fleet.lines("mta1"), fleet.files("mta1")) == ([], [first])
    # The zone has it, the resolver has not: published. Both have it: verified after 48 hours, and not before.
    fleet.publish(resolvers=False)
    assert fleet.stages() == {first: "published"}
    fleet.publish()
    fleet.rotate()
    fleet.passes(timedelta(hours=47))
    assert fleet.stages() == {first: "published"}
    fleet.apply()
    assert fleet.lines("mta1") == []
    fleet.passes(timedelta(hours=1))
    assert fleet.stages() == {first: "verified"}
    fleet.apply()
    assert (fleet.lines("mta1"), fleet.lines("mta2")) == ([first], [first])
    assert fleet.stages() == {first: "signing"}
    assert not fleet.plan().plan.changed
    # Four days before the switch is due, the next key is made; nothing switches before ninety days are over.
    fleet.passes(86 * DAY - timedelta(hours=1))
    assert fleet.rotate().generated == ()
    fleet.passes(timedelta(hours=1))
    assert [one.selector for one in fleet.rotate().generated] == [second]
    fleet.publish()
    fleet.apply()
    fleet.passes(3 * DAY)
    assert fleet.stages() == {first: "signing", second: "verified"}
    assert not fleet.plan().plan.changed
    fleet.passes(DAY)
    fleet.apply()
    assert (fleet.lines("mta1"), fleet.lines("mta2")) == ([second], [second])
    assert fleet.stages() == {first: "retiring", second: "signing"}
    # The file stays for the longest bounce-after (six days here), the record for a week after that.
    fleet.passes(timedelta(days=5, hours=23))
    fleet.apply()
    assert fleet.files("mta1") == [first, second]
    fleet.passes(timedelta(hours=1))
    planned = fleet.plan()
    assert [change.address for host in planned.plan.hosts for change in host.changes] == [
        f"dkim-key[example.com/{first}]"
    ] * 2
    assert planned.plan.dangers == ()
    fleet.apply()
    assert (fleet.files("mta1"), fleet.files("mta2")) == ([second], [second])
    fleet.passes(7 * DAY - timedelta(hours=1))
    assert fleet.rotate().remove == ()
    fleet.passes(timedelta(hours=1))
    assert fleet.rotate().remove == (f"{first}._domainkey.example.com",)
    fleet.publish()
    assert fleet.rotate().remove == ()
    assert fleet.stages() == {first: "revoked", second: "signing"}
    assert not fleet.plan().plan.changed


def test_plan_shows_the_future_and_changes_nothing(fleet: Turning) -> None:
    first = fleet.until_signing()
    history = (fleet.root.root / "state/fleet.dkim.json").read_bytes()
    for days, todo, due in ((1, "generate", 86), (87, "generate", 86)):
        (status,) = fleet.plan(as_of=fleet.clock.now() + days * DAY).statuses
        assert status.step.todo.value == todo
        assert status.step.due == fleet.clock.now() + due * DAY
    assert fleet.rotate(as_of=fleet.clock.now() + 87 * DAY).generated == ()
    assert (fleet.root.root / "state/fleet.dkim.json").read_bytes() == history
    fleet.passes(86 * DAY)
    fleet.publish()
    fleet.publish()
    ahead = fleet.plan(as_of=fleet.clock.now() + 5 * DAY)
    assert [host.host for host in ahead.plan.changed] == ["mta1", "mta2"]
    assert ahead.statuses[0].switch == "s-20260330"
    assert fleet.lines("mta1") == [first]
    with pytest.raises(UsageError, match="date-in-the-past"):
        fleet.plan(as_of=NOON)


@pytest.fixture
def due(fleet: Turning, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The second selector is verified and due; (first, second)."""
    return fleet.until_due(tmp_path_factory.getbasetemp() / "rotation-due")


def test_a_switch_is_blocked_without_the_record_and_forced_by_name_only(fleet: Turning, due: tuple[str, str]) -> None:
    first, second = due
    fleet.seen[f"{second}._domainkey.example.com", "TXT"] = ["v=DKIM1; k=rsa; p=AAAA"]
    fleet.project.stack(KEY + "      postmaster: a@example.com\n", **OFFLINE)
    planned = fleet.plan()
    assert "dkim-not-published" in codes(planned.plan)
    assert "another record" in planned.statuses[0].blocked
    fleet.apply()
    assert fleet.lines("mta1") == [first]
    assert "postmaster" in fleet.project.hosts["mta1"].read(), "other changes go on"
    forced = fleet.plan(allow=("dkim-not-published",))
    assert dangers(forced.plan.hosts) == {"dkim-not-published"}
    with pytest.raises(Blocked, match="dkim-not-published"):
        check_consent(forced, ())
    fleet.apply(allow=("dkim-not-published",))
    assert fleet.lines("mta1") == [second]


def test_a_new_host_does_not_begin_to_sign_while_the_record_is_missing(fleet: Turning) -> None:
    first = fleet.until_signing()
    fleet.project.add_host("mta3")
    fleet.project.stack(KEY, **OFFLINE)
    fleet.zone.pop((f"{first}._domainkey.example.com", "TXT"))
    planned = fleet.plan()
    assert dangers(planned.plan.hosts) == {"dkim-not-published"}
    assert "dkim-record-missing" in codes(planned.plan)
    with pytest.raises(Blocked, match="dkim-not-published"):
        fleet.apply()
    fleet.publish()
    fleet.apply()
    assert fleet.lines("mta3") == [first]


def held(fleet: Turning, *hosts: str, **more: Any) -> str:
    """Why the switch is held; that no host switches is seen to."""
    before = fleet.lines("mta1")
    planned = fleet.plan(*hosts, **more)
    assert "dkim-switch-waiting" in codes(planned.plan)
    fleet.apply(*hosts, **more)
    assert fleet.lines("mta1") == before
    return planned.statuses[0].blocked


def test_all_hosts_switch_or_none(fleet: Turning, due: tuple[str, str]) -> None:
    first, second = due
    assert held(fleet, "mta1") == "mta2 is not among the chosen hosts"
    fleet.project.stack(KEY + "      postmaster: a@example.com\n", **OFFLINE)
    assert held(fleet, targets=("setting[postmaster]",)).startswith("mta1 would not switch: --target")
    assert "postmaster" in fleet.project.hosts["mta1"].read(), "other changes go on"
    frozen = {"mta1": {}, "mta2": {"freeze": {"until": "2027-01-01", "reason": "a sale"}}}
    fleet.project.stack(KEY, hosts=frozen, **OFFLINE)
    assert held(fleet) == "mta2 is frozen until 2027-01-02 00:00 UTC: a sale"
    fleet.project.stack(KEY, **OFFLINE)
    config = fleet.project.hosts["mta2"].config
    config.rename(config.with_name("away"))
    config.mkdir()
    assert held(fleet).startswith("mta2 could not be looked at")
    config.rmdir()
    config.with_name("away").rename(config)
    assert (fleet.lines("mta1"), fleet.lines("mta2")) == ([first], [first])
    fleet.apply()
    assert (fleet.lines("mta1"), fleet.lines("mta2")) == ([second], [second])


def test_a_host_that_does_not_take_the_switch_takes_all_back(fleet: Turning, due: tuple[str, str]) -> None:
    first, second = due
    for host in fleet.project.hosts.values():
        host.stand_in()
    fleet.project.stack(KEY)
    fleet.project.hosts["mta2"].tell("fail-reload")
    result = fleet.apply()
    assert {host.verdict.value for host in result.hosts.values()} == {"rolled back"}
    assert (fleet.lines("mta1"), fleet.lines("mta2")) == ([first], [first])
    assert fleet.stages() == {first: "signing", second: "verified"}
    fleet.apply()
    assert (fleet.lines("mta1"), fleet.lines("mta2")) == ([second], [second])


def test_a_lost_history_loses_no_key_and_hurries_nothing(fleet: Turning, due: tuple[str, str]) -> None:
    first, second = due
    fleet.clock = SetClock(NOON + 90 * DAY)
    fleet.apply()
    fleet.passes(5 * DAY)
    (fleet.root.root / "state/fleet.dkim.json").unlink()
    assert not fleet.plan().plan.changed
    assert fleet.stages() == {first: "signing", second: "published"}
    fleet.apply()
    fleet.passes(3 * DAY)
    assert fleet.stages() == {first: "signing", second: "verified"}
    assert not fleet.plan().plan.changed


NATIVE_FIRST = "native: [old.conf]\n"
YAML_FIRST = "config:\n  domain-key: ['old,example.com,/etc/pmta/old.pem']\n"


@pytest.mark.parametrize("where", [NATIVE_FIRST, YAML_FIRST], ids=["native text", "YAML"])
def test_a_new_selector_that_another_line_comes_before_is_not_switched_to(fleet: Turning, where: str) -> None:
    """PowerMTA takes the first line that fits: the new one would be written, and sign nothing."""
    stack = fleet.project.folder / "stack.yaml"
    text = stack.read_text()
    fleet.project.add_file("old.conf", "domain-key old,example.com,/etc/pmta/old.pem\n")
    stack.write_text(where + text if where is NATIVE_FIRST else text.replace("config:\n", where, 1))
    for _ in range(2):
        fleet.publish()
    fleet.passes(2 * DAY)
    planned = fleet.plan()
    assert planned.statuses[0].switch is None
    assert "dkim-switch-waiting" in codes(planned.plan)
    assert "PowerMTA takes old of example.com (/etc/pmta/config:" in planned.statuses[0].blocked
    fleet.apply(allow=("missing-key-file",))
    assert fleet.lines("mta1") == ["old"]
    assert fleet.stages() == {"s-20260101": "verified"}
    stack.write_text(text)
    fleet.apply()
    assert fleet.stages() == {"s-20260101": "signing"}


def test_a_selector_that_another_line_comes_before_is_not_called_signing(fleet: Turning) -> None:
    first = fleet.until_signing()
    assert fleet.stages() == {first: "signing"}
    for host in fleet.project.hosts.values():
        line = f"domain-key {first},"
        host.put(host.read().replace(line, f"domain-key old,example.com,/etc/pmta/old.pem\n{line}", 1))
    planned = fleet.plan(targets=("domain[**]",))
    assert fleet.stages(planned) == {first: "overruled"}
    assert [codes(plan) & {"dkim-overruled"} for plan in planned.plan.hosts] == [{"dkim-overruled"}] * 2
    result = fleet.project.run("plan", "--target", "domain[**]").words
    assert "signs nothing: PowerMTA takes old of example.com" in result
    fleet.apply()  # the block is owned whole, so that the plan puts it right; the rotation has verified the selector
    assert fleet.lines("mta1") == [first]
    assert fleet.stages() == {first: "signing"}


def test_rotate_sees_by_the_stack_that_another_line_comes_before(fleet: Turning) -> None:
    first = fleet.until_signing()
    stack = fleet.project.folder / "stack.yaml"
    fleet.project.add_file("old.conf", "domain-key old,example.com,/etc/pmta/old.pem\n")
    stack.write_text("native: [old.conf]\n" + stack.read_text())
    (status,) = fleet.rotate().statuses
    assert [(row.selector, row.stage.value) for row in status.selectors] == [(first, "overruled")]


def test_a_virtual_mta_of_its_own_key_does_not_stop_the_rest(fleet: Turning) -> None:
    stack = fleet.project.folder / "stack.yaml"
    own = "<virtual-mta v>\n    domain-key old,example.com,/etc/pmta/old.pem\n</virtual-mta>\n"
    fleet.project.add_file("own.conf", own)
    stack.write_text("native: [own.conf]\n" + stack.read_text())
    for _ in range(2):
        fleet.publish()
    fleet.passes(2 * DAY)
    fleet.apply(allow=("missing-key-file",))
    assert fleet.stages() == {"s-20260101": "signing"}
    assert "dkim-overruled" not in codes(fleet.plan().plan.hosts[0])


def test_a_host_that_was_rolled_back_by_hand_is_reported_and_put_right(fleet: Turning, due: tuple[str, str]) -> None:
    first, second = due
    fleet.apply()
    host = fleet.project.hosts["mta1"]
    host.put(host.read().replace(second, first))
    planned = fleet.plan()
    assert "dkim-unexpected-selector" in codes(planned.plan.hosts[0])
    assert [change.address for change in planned.plan.hosts[0].changes] == ["setting[domain-key]"]
    assert planned.plan.hosts[1].changes == ()
    fleet.passes(30 * DAY)
    fleet.apply()
    assert fleet.lines("mta1") == [second]
    assert first in fleet.files("mta1"), "it signed with it until now"


def test_a_run_that_was_killed_before_it_wrote_is_found_out(fleet: Turning, due: tuple[str, str]) -> None:
    _, second = due
    path: Path = fleet.root.root / "state/fleet.dkim.json"
    before = path.read_bytes()
    fleet.apply()
    path.write_bytes(before)
    planned = fleet.plan()
    assert planned.statuses[0].current == second
    assert not planned.plan.changed


def test_a_key_that_the_store_lost_is_made_again(fleet: Turning, due: tuple[str, str]) -> None:
    first, second = due
    (fleet.project.folder / f"keys/{second}.pem").unlink()
    planned = fleet.plan()
    assert "dkim-next-key-unavailable" in codes(planned.plan)
    fleet.apply()
    assert fleet.lines("mta1") == [first]
    assert [one.selector for one in fleet.rotate().generated] == ["s-20260404"]


def test_a_retiring_key_that_the_store_lost_stays_on_hosts_as_long_as_mail_needs_it(
    fleet: Turning, due: tuple[str, str]
) -> None:
    first, second = due
    (fleet.project.folder / f"keys/{first}.pem").unlink()
    fleet.apply()
    assert fleet.stages() == {first: "retiring", second: "signing"}
    assert [fleet.files(name) for name in ("mta1", "mta2")] == [[first, second]] * 2
    planned = fleet.plan()
    assert not planned.plan.changed
    assert [note.code for note in planned.plan.hosts[0].notes].count("dkim-retiring-key-unavailable") == 1
    # A host that never had the file cannot get it, and nothing else waits for that.
    fleet.project.hosts["mta2"].at(f"/etc/pmta/dkim/{first}.example.com.pem").unlink()
    fleet.apply()
    assert fleet.files("mta2") == [second]
    fleet.passes(timedelta(days=5, hours=23))
    fleet.apply()
    assert fleet.files("mta1") == [first, second]
    fleet.passes(timedelta(hours=1))
    fleet.apply()
    assert (fleet.files("mta1"), fleet.files("mta2")) == ([second], [second])
    assert not any("dkim-retiring-key-unavailable" in codes(plan) for plan in fleet.plan().plan.hosts)


def test_the_key_that_signs_must_be_in_the_store(fleet: Turning) -> None:
    (fleet.project.folder / f"keys/{fleet.until_signing()}.pem").unlink()
    with pytest.raises(SecretUnavailable):
        fleet.plan()


def test_no_private_key_is_written_down(fleet: Turning) -> None:
    first = fleet.until_signing()
    private = (fleet.project.folder / f"keys/{first}.pem").read_text().splitlines()[1]
    for path in fleet.project.root.joinpath("state").rglob("*"):
        assert not path.is_file() or private not in path.read_text(errors="replace"), path
    assert RUNS in fleet.project.hosts["mta1"].read()


def test_a_name_that_someone_has_is_not_taken(fleet: Turning) -> None:
    fleet.seen["s-20260101._domainkey.example.com", "TXT"] = ["another program's"]
    kept = fleet.project.add_file("keys/s-20260101-2.pem", "a run that was killed before it wrote left this")
    assert [one.selector for one in fleet.rotate().generated] == ["s-20260101-3"]
    assert kept.read_text().startswith("a run")


def test_a_store_that_cannot_be_asked_is_not_a_lost_key(
    fleet: Turning, due: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pmtaform.secrets.file.FileSecrets.holds", broken)
    monkeypatch.setattr("pmtaform.secrets.file.FileSecrets.fetch", broken)
    with pytest.raises(SecretUnavailable):
        fleet.rotate()
    monkeypatch.undo()
    assert fleet.rotate().generated == ()
    assert fleet.stages() == {due[0]: "signing", due[1]: "verified"}


def broken(*_: Any, **__: Any) -> Any:
    raise Unresolved("the store", "it is locked", "Unlock it.")
