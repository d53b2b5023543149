"""Rotation on the command line: `rotate`, what `plan` says, and `--as-of`."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import jsonschema
import pytest
from dns_server import NameServer, Start
from projects import OFFLINE, ProjectFolder
from rotating import KEY, NOON, few_keys

from pmtaform.clock import SystemClock
from pmtaform.diagnostics import Exit
from pmtaform.plan.document import plan_schema


class Desk:
    """A project on a machine whose clock is set."""

    def __init__(self, project: ProjectFolder, server: NameServer, zone: dict[tuple[str, str], list[str]]) -> None:
        self.project, self.server, self.zone = project, server, zone
        self.now = NOON

    def write(self, **dns: object) -> None:
        result = {"resolvers": [str(self.server.server)], "authoritative": False, **dns}
        self.project.stack(KEY + f"    dns: {json.dumps(result)}\n", **OFFLINE)

    def publish(self) -> None:
        document = self.project.run("dkim", "rotate", "--format", "json").ended(Exit.OK).json()
        self.zone.update({(record["name"], "TXT"): [record["value"]] for record in document["records"]})


@pytest.fixture
def desk(one: ProjectFolder, name_server: Start, monkeypatch: pytest.MonkeyPatch) -> Desk:
    few_keys(monkeypatch)
    zone: dict[tuple[str, str], list[str]] = {("example.com", "A"): ["192.0.2.1"]}
    made = Desk(one, name_server(zone), zone)

    def now(_: SystemClock) -> datetime:
        return made.now

    monkeypatch.setattr(SystemClock, "now", now)
    made.write()
    return made


def test_rotate_makes_the_key_and_says_what_to_publish(desk: Desk) -> None:
    result = desk.project.run("dkim", "rotate").ended(Exit.OK)
    assert "Generated s-20260101 for example.com/s: file:keys/s-20260101.pem." in result.out
    assert "next: publish its record" in result.words
    assert "127.0.0.1" in result.words
    assert 's-20260101._domainkey.example.com. 3600 IN TXT "v=DKIM1; k=rsa; p=' in result.words
    path = desk.project.folder / "keys/s-20260101.pem"
    assert path.read_text().startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert path.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in result.all
    before = path.read_bytes()
    assert "Generated" not in desk.project.run("dkim", "rotate").ended(Exit.OK).out
    assert path.read_bytes() == before


def test_rotate_in_json(desk: Desk) -> None:
    document = desk.project.run("dkim", "rotate", "--format", "json").ended(Exit.OK).json()
    assert document["kind"] == "pmtaform-rotation"
    assert document["generated"] == [
        {"key": "example.com/s", "selector": "s-20260101", "reference": "file:keys/s-20260101.pem"}
    ]
    (record,) = document["records"]
    assert (record["name"], record["missing"]) == ("s-20260101._domainkey.example.com", True)
    (row,) = document["rotations"]
    assert (row["key"], row["current"], row["every"], row["next"]["step"]) == (
        "example.com/s",
        None,
        90 * 86_400,
        "publish",
    )
    assert row["selectors"][0]["stage"] == "generated"


def test_plan_shows_each_key_and_the_future(desk: Desk) -> None:
    desk.publish()
    desk.publish()
    result = desk.project.plan().ended(Exit.OK)
    assert "Keys that rotate:" in result.out
    assert "example.com/s, every 90d, 1 host" in result.out
    assert "next: wait until all receivers see its record, 2026-01-03 12:00 UTC" in result.words
    assert "s-20260101 published since 2026-01-01 12:00 UTC" in result.words
    ahead = desk.project.plan("--as-of", "2026-01-03").ended(Exit.OK)
    assert "Keys that rotate on 2026-01-03 23:59 UTC, if DNS stays as it is:" in ahead.words
    assert "domain-key s-20260101,example.com" in ahead.words
    assert "It cannot be saved or applied" in ahead.words
    document = desk.project.plan("--format", "json").ended(Exit.OK).json()
    jsonschema.validate(document, plan_schema())
    assert document["rotations"][0]["selectors"][0]["since"] == "2026-01-01T12:00:00Z"


def test_a_plan_of_the_future_cannot_be_saved_or_look_back(desk: Desk) -> None:
    for arguments, code in (
        (("--as-of", "2026-02-01", "--out", "x.json"), "future-plan"),
        (("--as-of", "2025-12-31"), "date-in-the-past"),
        (("--as-of", "soon"), "invalid-date"),
        (("--as-of", "2026-13-01"), "invalid-date"),
    ):
        assert code in desk.project.plan(*arguments).ended(Exit.USAGE).all
    assert "Generated" not in desk.project.run("dkim", "rotate", "--as-of", "2026-02-01").ended(Exit.OK).out
    assert not (desk.project.folder / "keys").exists()


def test_apply_switches_and_a_saved_plan_does_too(desk: Desk) -> None:
    desk.publish()
    desk.publish()
    desk.now += timedelta(days=2)
    desk.project.run("apply", desk.project.save_plan()).ended(Exit.OK)
    assert "domain-key s-20260101,example.com,/etc/pmta/dkim/s-20260101.example.com.pem" in desk.project.host.read()
    desk.project.settled()
    history = json.loads((desk.project.root / "state/fleet.dkim.json").read_text())
    assert history["keys"]["example.com/s"]["current"] == "s-20260101"
    assert "signing" in desk.project.plan().out


def test_a_saved_plan_is_stale_when_the_record_has_gone(desk: Desk) -> None:
    desk.publish()
    desk.publish()
    desk.now += timedelta(days=2)
    saved = desk.project.save_plan()
    desk.zone.pop(("s-20260101._domainkey.example.com", "TXT"))
    assert "dkim-not-published" in desk.project.run("apply", saved).ended(Exit.STALE).all
    assert "domain-key" not in desk.project.host.read()


def test_the_whole_house_knows_the_selectors(desk: Desk) -> None:
    desk.publish()
    desk.publish()
    desk.now += timedelta(days=2)
    desk.project.apply().ended(Exit.OK)
    assert "domain-key s-20260101,example.com" in desk.project.run("render", "mta1").ended(Exit.OK).out
    assert "s-20260101._domainkey" in desk.project.run("dns", "records").ended(Exit.OK).out
    desk.project.run("validate").ended(Exit.OK)
    assert "keys/s-20260101.pem" in desk.project.run("secrets", "list").ended(Exit.OK).out
    assert "dkim-key[example.com/s-20260101]" in desk.project.run("state", "list").ended(Exit.OK).out


def test_the_next_record_is_no_error_before_it_is_published(desk: Desk) -> None:
    desk.project.run("dkim", "rotate").ended(Exit.OK)
    result = desk.project.run("dns", "check")
    assert "dkim-next-missing" in result.out
    assert "dkim-missing" not in result.out
    records = desk.project.run("dns", "records", "--format", "json").ended(Exit.OK).out
    assert "s-20260101._domainkey.example.com" in records


def test_where_dns_is_required_an_unused_key_may_wait_on_the_host(desk: Desk) -> None:
    desk.write(mode="require")
    desk.project.run("dkim", "rotate").ended(Exit.OK)
    assert "dkim-next-missing" in desk.project.apply().ended(Exit.OK).out
    assert desk.project.host.at("/etc/pmta/dkim/s-20260101.example.com.pem").exists()


def test_dns_that_is_off_never_verifies(desk: Desk) -> None:
    desk.publish()
    desk.write(mode="off")
    desk.now += timedelta(days=30)
    result = desk.project.apply().ended(Exit.OK)
    assert "`dns: {mode: off}` in the stack, so DNS is not asked" in result.words
    assert "domain-key" not in desk.project.host.read()


def test_without_rotation_there_is_nothing_to_rotate(desk: Desk) -> None:
    desk.project.config("postmaster: a@example.com")
    assert "no-rotation" in desk.project.run("dkim", "rotate").ended(Exit.USAGE).all
    assert "Keys that rotate" not in desk.project.plan().ended(Exit.OK).out
    assert "rotations" not in desk.project.plan("--format", "json").json()


def test_a_history_that_cannot_be_read_is_reported(desk: Desk) -> None:
    desk.publish()
    (desk.project.root / "state/fleet.dkim.json").write_text("{")
    assert "rotation-damaged" in desk.project.plan().ended(Exit.ERROR).all
