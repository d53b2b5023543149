"""How hosts are changed, as a stack says it: layer over layer, and for the whole fleet."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from pmtaform.lang.catalogue import Impact
from pmtaform.model.operations import CheckKind, Commands, OnFailure, Operations, Spread, SpreadBy
from pmtaform.stack import Stack, load_stack
from pmtaform.stack.schema import json_schema

STACK = """
stack: fleet
confirm-within: 5m
maintenance-window: ["Sat,Sun 02:00-04:00 Europe/Berlin", "Mon-Fri 23:30-00:30"]
observe: 10m
tolerance: 5%
drain-below: 1000
checks:
  greets: {smtp: "[::1]:2525", from: client, expect: ready, within: 5s, tries: 3, every: 2s}
  monitor: {http: "https://127.0.0.1:8080/", status: [200, 401], verify: false}
  gmail: {backoff: gmail.com/*, at-most: 2}
  spool: {status: status.spool.totalRcp, below: 50000}
  ours: {command: [/usr/local/bin/check, --all]}
groups:
  big: {max-impact: restart, confirm-within: 0, checks: {gmail: null, port: {tcp: 25}}}
hosts:
  mta1: {transport: local, root: r1}
  mta2: {transport: local, root: r2, groups: [big], freeze: {until: 2026-12-01, reason: Black Friday}}
  mta3: {transport: local, root: r3, groups: [big], maintenance-window: "00:00-24:00", confirm-within: 30s,
         commands: {reload: [/opt/pmta/reload, now], restart-web: [/opt/pmta/web]}}
rollout:
  canary: 1
  waves: [10%, 3, 100%]
  parallel: 8
  soak: 5m
  max-failures: 5%
  max-unreachable: 2
  on-failure: rollback-all
  spread: {pool: 2}
  stage-first: false
"""


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    (tmp_path / "fleet").mkdir()
    (tmp_path / "fleet/stack.yaml").write_text(STACK.replace("00:00-24:00", "00:00-23:59"))
    return load_stack(tmp_path / "fleet")


def of(stack: Stack, host: str) -> Operations:
    return stack.operations[host]


def test_every_host_has_what_the_stack_says(stack: Stack) -> None:
    result = of(stack, "mta1")
    assert (result.confirm_within, result.observe, result.drain_below) == (300, 600, 1000)
    assert result.max_impact is Impact.RELOAD
    assert result.freeze is None
    saturday, weekdays = result.windows
    assert (saturday.start, saturday.end, saturday.zone) == (time(2), time(4), "Europe/Berlin")
    assert saturday.days == {5, 6}
    assert (weekdays.start, weekdays.end, weekdays.zone) == (time(23, 30), time(0, 30), "UTC")
    assert weekdays.days == {0, 1, 2, 3, 4}


def test_checks_are_of_one_kind_each(stack: Stack) -> None:
    checks = {check.name: check for check in of(stack, "mta1").checks}
    assert {name: check.kind for name, check in checks.items()} == {
        "greets": CheckKind.SMTP,
        "monitor": CheckKind.HTTP,
        "gmail": CheckKind.BACKOFF,
        "spool": CheckKind.STATUS,
        "ours": CheckKind.COMMAND,
    }
    greets = checks["greets"]
    assert (greets.address, greets.port, greets.expect, greets.from_client) == ("::1", 2525, "ready", True)
    assert (greets.within, greets.tries, greets.every) == (5, 3, 2)
    assert (checks["monitor"].codes, checks["monitor"].verify) == ((200, 401), False)
    assert (checks["gmail"].queue, checks["gmail"].at_most) == ("gmail.com/*", 2)
    assert (checks["spool"].field, checks["spool"].below) == ("status.spool.totalRcp", 50000)
    assert checks["ours"].argv == ("/usr/local/bin/check", "--all")


def test_a_group_and_a_host_say_otherwise(stack: Stack) -> None:
    two, three = of(stack, "mta2"), of(stack, "mta3")
    assert two.max_impact is three.max_impact is Impact.RESTART
    assert (two.confirm_within, three.confirm_within) == (0, 30)
    assert [check.name for check in two.checks] == ["greets", "monitor", "spool", "ours", "port"], "gmail is taken away"
    assert two.freeze is not None
    assert (two.freeze.until, two.freeze.reason) == (datetime(2026, 12, 2, tzinfo=UTC), "Black Friday")
    assert len(three.windows) == 1, "the host's windows, and no other's"
    assert three.commands == Commands(reload=("/opt/pmta/reload", "now"), restart_web=("/opt/pmta/web",))


def test_the_rollout_is_the_stacks(stack: Stack) -> None:
    rollout = stack.rollout
    assert (rollout.canary, rollout.parallel, rollout.soak) == (1, 8, 300)
    assert [wave.of(50) for wave in rollout.waves] == [5, 3, 50]
    assert (rollout.max_failures.of(60), rollout.max_unreachable.of(60)) == (3, 2)
    assert rollout.on_failure is OnFailure.ROLLBACK_ALL
    assert rollout.spread == Spread(SpreadBy.POOL, 2)
    assert not rollout.stage_first


def test_the_schema_takes_it(stack: Stack) -> None:
    from yaml import safe_load

    schema = Draft202012Validator(json_schema())
    document = safe_load(STACK.replace("2026-12-01", '"2026-12-01"'))
    assert [error.message for error in schema.iter_errors(document)] == []
    document["rollout"]["on-failure"] = "pray"
    document["checks"]["greets"]["smpt"] = 25
    assert len(list(schema.iter_errors(document))) == 2
