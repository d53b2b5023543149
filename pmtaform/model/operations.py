"""How hosts are changed: activation, confirmation, checks, and the order over a fleet.

Times are in seconds. What is per host is laid over: stack < groups in the host's order < host.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum

from pmtaform.diagnostics import Place
from pmtaform.expect import NOTHING_OWN, Expect
from pmtaform.lang.catalogue import Impact

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A time of the week in which a restart needs no further consent; `end` before `start` goes past midnight.

    `days` (0 is Monday) are those on which it starts. With `end` equal to `start` it lasts a whole day.
    """

    start: time
    end: time
    days: frozenset[int] = frozenset(range(7))
    zone: str = "UTC"

    def contains(self, moment: datetime) -> bool:
        """Whether the window is open at `moment`, which knows its time zone."""
        # UTC is known without the time zone database, which a small container may lack.
        local = moment.astimezone(UTC if self.zone == "UTC" else _zone(self.zone))
        clock = local.time().replace(tzinfo=None)
        if self.start < self.end:
            return local.weekday() in self.days and self.start <= clock < self.end
        yesterday = (local - timedelta(days=1)).weekday()
        return (local.weekday() in self.days and clock >= self.start) or (yesterday in self.days and clock < self.end)

    def __str__(self) -> str:
        days = "" if len(self.days) == 7 else ",".join(DAYS[day].capitalize() for day in sorted(self.days)) + " "
        return f"{days}{self.start:%H:%M}-{self.end:%H:%M} {self.zone}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Until when a host is not changed, and why. `until` knows its time zone."""

    until: datetime
    reason: str
    place: Place | None = None


class CheckKind(StrEnum):
    """What is looked at once a host runs its new configuration, before that is confirmed."""

    COMMAND = "command"  # a program on the host ends with 0
    TCP = "tcp"  # a port takes connections
    SMTP = "smtp"  # a server greets with 220
    HTTP = "http"  # a URL is answered with a status
    BACKOFF = "backoff"  # at most that many queues are in back-off
    STATUS = "status"  # a field of `pmta show status` is within bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check of a stack's own. Which fields mean something follows from `kind`.

    `within` bounds one try, in seconds; after a failed one the next comes `every` seconds later, `tries` in all.
    """

    name: str
    kind: CheckKind
    argv: tuple[str, ...] = ()  # command
    address: str = "127.0.0.1"  # tcp, smtp: as seen from where the check is made
    port: int = 0
    expect: str = "220"  # smtp: the start of the greeting
    url: str = ""  # http
    codes: tuple[int, ...] = (200,)
    verify: bool = True  # http: whether a certificate must be valid
    queue: str = "*/*"  # backoff: the pattern `pmta show queues` takes
    at_most: int = 0
    field: str = ""  # status: a path below `data.status`, as queue.smtp.rcp
    below: float | None = None
    above: float | None = None
    from_client: bool = False  # tcp, smtp, http: from the machine that applies instead of the host
    within: float = 10.0
    tries: int = 3
    every: float = 2.0
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """Programs with their arguments, for hosts whose services have other names. Empty: what the host has."""

    reload: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    restart_web: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """How one host is changed."""

    confirm_within: float = 120.0  # 0: nothing has to be confirmed
    max_impact: Impact = Impact.RELOAD  # what needs no consent by name; a restart only within a window
    windows: tuple[Window, ...] = ()
    drain_below: int | None = None  # recipients in the spool, above which nothing is restarted
    checks: tuple[Check, ...] = ()
    observe: float = 0.0
    tolerance: float = 5.0  # percentage points by which queues in back-off or with errors may grow while observed
    freeze: Freeze | None = None
    commands: Commands = Commands()
    expect: Expect = NOTHING_OWN  # what this host's `pmta` answers, beside what is documented

    def may_restart(self, moment: datetime) -> bool:
        """Whether the stack itself consents to a restart at `moment`."""
        return self.max_impact is Impact.RESTART and any(window.contains(moment) for window in self.windows)

    def frozen(self, moment: datetime) -> Freeze | None:
        """The freeze that holds at `moment`."""
        return self.freeze if self.freeze is not None and moment < self.freeze.until else None


@dataclass(frozen=True, slots=True)
class Share:
    """A number or a percentage of hosts."""

    number: float
    percent: bool = False

    def of(self, total: int) -> int:
        """How many of `total`: a share that is not nothing is one at least."""
        if not self.percent:
            return min(total, int(self.number))
        return min(total, math.ceil(total * self.number / 100))

    def __str__(self) -> str:
        return f"{self.number:g}%" if self.percent else f"{self.number:g}"


class OnFailure(StrEnum):
    """What happens when more hosts failed than `max-failures`. A failed host always rolls back."""

    STOP = "stop"  # no further host is started after the first failure, whatever `max-failures` is
    ROLLBACK_HOST = "rollback-host"  # no further host is started
    ROLLBACK_WAVE = "rollback-wave"  # and the hosts of the wave roll back
    ROLLBACK_ALL = "rollback-all"  # and all hosts that the run changed roll back


class SpreadBy(StrEnum):
    """What hosts have in common that are not to restart at once."""

    POOL = "pool"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Spread:
    """Never more than `at_most` hosts of one virtual-MTA pool (or group) restart at once."""

    by: SpreadBy
    at_most: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """How a change goes over a fleet.

    `waves` are parts of all hosts that are to be changed, each counted from the first; the last is always all.
    `parallel` is how many are worked on at once, whatever is done; without it more are looked at than changed.
    """

    canary: int = 0
    waves: tuple[Share, ...] = field(default=(Share(100, percent=True),))
    parallel: int | None = None
    soak: float = 0.0  # between waves
    max_failures: Share = Share(0)
    max_unreachable: Share | None = None  # None: as many as there are
    on_failure: OnFailure = OnFailure.ROLLBACK_HOST
    spread: Spread | None = None
    stage_first: bool = True

    @property
    def changing(self) -> int:
        """How many hosts are changed at once."""
        return self.parallel or 16

    @property
    def looking(self) -> int:
        """How many hosts are looked at, or have a change staged, at once: mostly the network is waited for."""
        return self.parallel or 32

    def sizes(self, total: int) -> tuple[int, ...]:
        """How many hosts each wave has, `total` in all. The canary is the first."""
        ends: list[int] = [min(self.canary, total)] if self.canary else []
        ends += [share.of(total) for share in self.waves]
        ends.append(total)
        sizes: list[int] = []
        previous = 0
        for end in ends:
            if end > previous:
                sizes.append(end - previous)
                previous = end
        return tuple(sizes)


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo  # 5 ms to import, wanted by windows in local time alone

    return ZoneInfo(name)
