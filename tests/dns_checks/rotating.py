"""A fleet whose key is rotated, on a clock that is set, with real name servers on loopback."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from dns_server import NameServer, Start
from projects import ProjectFolder

from pmtaform.api import ApplyRequest, Choice, Planned, PlanRequest, Project, apply_plan, make_plan
from pmtaform.api.rotation import rotate_keys
from pmtaform.clock import SetClock
from pmtaform.dkim import keys
from pmtaform.dns.dkim_record import dkim_text
from pmtaform.dns.live import LiveResolver
from pmtaform.rollout.model import RunResult
from pmtaform.signing.rotate import RotationReport

NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
KEY = """
    dkim-keys:
      example.com/s:
        private-key: "file:keys/${selector}.pem"
        rotation: {every: 90d, publish-for: 48h, retire-after: 7d}
    config:
      domain: {gmail.com: {dkim-sign: "yes"}, slow.example: {bounce-after: 6d}}
"""


@cache
def _made(number: int) -> keys.SigningKey:
    return _generate(1024, reference=f"key {number}")


_generate = keys.generate_key


def few_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make each test's first key the same as another's first: making keys is slow."""
    counted = iter(range(100))
    monkeypatch.setattr("pmtaform.signing.rotate.generate_key", lambda bits, reference: _made(next(counted)))


@dataclass
class Turning:
    """The fleet, its clock, the zone's own server and a resolver that may be behind."""

    project: ProjectFolder
    start: Start
    clock: SetClock = field(default_factory=lambda: SetClock(NOON))
    zone: dict[tuple[str, str], Any] = field(default_factory=lambda: {("example.com", "NS"): ["ns1.example.com"]})
    seen: dict[tuple[str, str], Any] = field(default_factory=lambda: {("example.com", "NS"): ["ns1.example.com"]})

    def __post_init__(self) -> None:
        self.owner: NameServer = self.start(self.zone)
        self.cache: NameServer = self.start(self.seen)

    @property
    def root(self) -> Project:
        return Project(self.project.root)

    def resolver(self) -> LiveResolver:
        where = {"ns1.example.com": self.owner.server}
        return LiveResolver([self.cache.server], timeout=2, endpoints=where)

    def rotate(self, **more: Any) -> RotationReport:
        stack = self.root.load("fleet")
        with self.root.lock("fleet", "test"):
            return rotate_keys(self.root, stack, clock=self.clock, resolver=self.resolver, **more)

    def plan(self, *hosts: str, keep_open: bool = False, **more: Any) -> Planned:
        choice = Choice(hosts=hosts, targets=more.pop("targets", ()))
        stack = self.root.load("fleet")
        planned = make_plan(
            self.root,
            stack,
            PlanRequest(choice=choice, keep_open=keep_open, clock=self.clock, resolver=self.resolver, **more),
        )
        if not keep_open:
            planned.close()
        return planned

    def apply(self, *hosts: str, allow: tuple[str, ...] = (), **more: Any) -> RunResult:
        planned = self.plan(*hosts, keep_open=True, allow=allow, **more)
        try:
            return apply_plan(planned, ApplyRequest(allow=allow))
        finally:
            planned.close()

    def publish(self, *, resolvers: bool = True) -> None:
        """Put the wanted records into the zone, and where resolvers look, and take out what may go."""
        outcome = self.rotate()
        for zone in [self.zone, self.seen] if resolvers else [self.zone]:
            zone.update({(record.name, "TXT"): [record.value] for record in outcome.publish})
            for name in outcome.remove:
                zone.pop((name, "TXT"), None)

    def passes(self, time: timedelta) -> None:
        self.clock.advance(time.total_seconds())

    def lines(self, host: str) -> list[str]:
        """The selectors in the `domain-key` lines of a host."""
        text = self.project.hosts[host].read()
        return [line.split()[1].split(",")[0] for line in text.splitlines() if line.startswith("domain-key")]

    def files(self, host: str) -> list[str]:
        folder = self.project.hosts[host].at("/etc/pmta/dkim")
        return sorted(path.name.removesuffix(".example.com.pem") for path in folder.glob("*.pem"))

    def stages(self, planned: Planned | None = None) -> dict[str, str]:
        (status,) = (planned or self.plan()).statuses
        return {row.selector: row.stage.value for row in status.selectors}

    def until_signing(self) -> str:
        """The first selector signs on all hosts."""
        self.publish()
        self.publish()
        self.passes(2 * DAY)
        self.apply()
        (selector,) = self.lines("mta1")
        return selector

    def until_due(self, template: Path) -> tuple[str, str]:
        """The second selector is verified and due. The first time that is lived through, and then copied."""
        names = ("s-20260101", "s-20260330")
        if not template.exists():
            self.until_signing()
            self.passes(86 * DAY)
            self.publish()
            self.publish()
            self.passes(5 * DAY)
            shutil.copytree(self.project.root, template)
        else:
            shutil.rmtree(self.project.root)
            shutil.copytree(template, self.project.root)
            self.clock = SetClock(NOON + 93 * DAY)
            for made, name in enumerate(names):
                text = dkim_text(_made(made).p)
                for zone in (self.zone, self.seen):
                    zone[f"{name}._domainkey.example.com", "TXT"] = [text]
        return names
