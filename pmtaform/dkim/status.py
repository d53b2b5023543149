"""The status of a rotated key: what comes next and when, and what hosts should have. Pure.

Hosts never switch to a selector that is not verified now, unless the operator allows it by name (`force`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from pmtaform.dkim.observation import KeyFacts, RecordStatus, file_due, record_due
from pmtaform.model.rotation import KeyHistory, Rotation, SelectorLife, Stage, WantedSelectors


class Todo(StrEnum):
    """A step, and who takes it."""

    GENERATE = "generate"  # `pmtaform dkim rotate`
    PUBLISH = "publish"  # the operator of the zone
    VERIFY = "verify"  # time
    SWITCH = "switch"  # `pmtaform apply`
    REMOVE_FILE = "remove-file"  # `pmtaform apply`
    REMOVE_RECORD = "remove-record"  # the operator of the zone
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """What comes next. `due` None: it depends on something that has not happened. `waits_for` is in words."""

    todo: Todo
    due: datetime | None = None
    waits_for: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectorStatus:
    """One selector: its stage, since when, and what becomes of it next."""

    selector: str
    stage: Stage
    since: datetime | None
    step: NextStep
    public: str = ""
    algorithm: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStatus:
    """One key at one moment.

    `switch` is the selector that hosts change to, all of them or none; `blocked` is why a due switch cannot happen.
    `unready` has the reasons of selectors that are not verified.
    """

    key: str
    rotation: Rotation
    hosts: tuple[str, ...]
    at: datetime
    selectors: tuple[SelectorStatus, ...]
    step: NextStep
    wanted: WantedSelectors
    current: str | None = None
    switch: str | None = None
    blocked: str = ""
    unready: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchConsent:
    """What else decides on a switch: `force` allows an unverified record, `hold` is why hosts cannot switch."""

    force: bool = False
    hold: str = ""


def key_status(
    key: str,
    rotation: Rotation,
    history: KeyHistory,
    facts: KeyFacts,
    now: datetime,
    consent: SwitchConsent = SwitchConsent(),
) -> KeyStatus:
    """The status of `key` at `now`: what comes next, and what hosts and DNS should have."""
    return _Judge(rotation, history, facts, now, consent).status(key)


class _Judge:
    def __init__(
        self, rotation: Rotation, history: KeyHistory, facts: KeyFacts, now: datetime, consent: SwitchConsent
    ) -> None:
        self.rotation, self.history, self.facts, self.now = rotation, history, facts, now
        self.force, self.hold = consent.force, consent.hold
        self.current = history.life(history.current)
        self.candidates = [life for life in history.candidates if life.selector not in facts.missing]

    def status(self, key: str) -> KeyStatus:
        candidate = self._candidate()
        step = self._step(candidate)
        switch = self._switch(candidate)
        rows = tuple(self._row(life, candidate, step) for life in self.history.lives)
        return KeyStatus(
            key=key,
            rotation=self.rotation,
            hosts=self.facts.hosts,
            at=self.now,
            selectors=rows,
            step=step,
            wanted=self._wanted(switch, rows),
            current=self.history.current,
            switch=switch,
            blocked=self._blocked(candidate, switch),
            unready={life.selector: why for life in self.history.lives if (why := self._unready(life))},
        )

    # -- the way to the next selector ----------------------------------------------------------------------------------

    def _candidate(self) -> SelectorLife | None:
        """The selector that would sign next: one that is verified, else the newest."""
        ready = [life for life in self.candidates if not self._unready(life)]
        return ready[0] if ready else self.candidates[-1] if self.candidates else None

    @property
    def due(self) -> datetime:
        """When the next selector should sign."""
        if self.current is None:
            return self.now
        return (self.current.signed or self.now) + self.rotation.every

    def _step(self, candidate: SelectorLife | None) -> NextStep:
        if candidate is None:
            return self._generation()
        look = self._look(candidate)
        if candidate.published is None:
            due = max(self.due - self.rotation.publish_for, candidate.generated or self.now)
            return NextStep(todo=Todo.PUBLISH, due=due, waits_for=look.why)
        if candidate.verified is None:
            return NextStep(todo=Todo.VERIFY, waits_for=look.why)
        if self.now < (ready := self._ready(candidate)):
            return NextStep(
                todo=Todo.VERIFY, due=ready, waits_for=f"its record to have been there until {moment(ready)}"
            )
        waits = self._unready(candidate) or self.hold if self.now >= self.due else ""
        return NextStep(todo=Todo.SWITCH, due=self.due, waits_for=waits)

    def _generation(self) -> NextStep:
        lost = next((self.facts.missing[life.selector] for life in self.history.candidates), "")
        due = self.due - self.rotation.lead if self.current is not None else self.now
        return NextStep(todo=Todo.GENERATE, due=self.now if lost else due, waits_for=lost)

    def _switch(self, candidate: SelectorLife | None) -> str | None:
        if candidate is None or self.hold or self.now < self.due:
            return None
        return None if self._unready(candidate) and not self.force else candidate.selector

    def _blocked(self, candidate: SelectorLife | None, switch: str | None) -> str:
        if candidate is None or switch is not None or self.now < self.due:
            return ""
        return self._unready(candidate) or self.hold

    def _unready(self, life: SelectorLife) -> str:
        """Why hosts must not start to sign with a selector; empty: they may."""
        look = self._look(life)
        if look.verified is not True:
            return look.why
        if life.selector == self.history.current:
            return ""
        ready = self._ready(life)
        return "" if self.now >= ready else f"its record was not there long enough: that is until {moment(ready)}"

    def _ready(self, life: SelectorLife) -> datetime:
        return (life.verified or self.now) + self.rotation.publish_for

    def _look(self, life: SelectorLife) -> RecordStatus:
        return self.facts.records.get(life.selector, RecordStatus())

    # -- one selector --------------------------------------------------------------------------------------------------

    def _row(self, life: SelectorLife, candidate: SelectorLife | None, step: NextStep) -> SelectorStatus:
        stage, since = self._stage(life)
        if stage in (Stage.RETIRING, Stage.REVOKED):
            step = self._ending(life, stage)
        elif stage is Stage.OVERRULED:
            step = NextStep(todo=Todo.DONE, waits_for=self.facts.overruled[life.selector])
        elif stage is Stage.SIGNING:
            step = step if candidate is None else NextStep(todo=Todo.DONE, due=self.due)
        elif candidate is None or life.selector != candidate.selector:
            why = self.facts.missing.get(life.selector, "")
            step = NextStep(todo=Todo.DONE, waits_for=why or "another selector that is to sign before it")
        return SelectorStatus(
            selector=life.selector, stage=stage, since=since, step=step, public=life.public, algorithm=life.algorithm
        )

    def _stage(self, life: SelectorLife) -> tuple[Stage, datetime | None]:
        if life.selector == self.history.current:
            return (Stage.OVERRULED if self._is_overruled(life) else Stage.SIGNING), life.signed
        if life.revoked is not None:
            return Stage.REVOKED, life.revoked
        if not any(life.selector == one.selector for one in self.history.candidates):
            over = life.removed is not None and self.now >= record_due(life, self.rotation, self.now)
            return (Stage.REVOKED, life.removed) if over else (Stage.RETIRING, life.stopped)
        if life.verified is not None and self.now >= self._ready(life):
            return Stage.VERIFIED, self._ready(life)
        return (Stage.GENERATED, life.generated) if life.published is None else (Stage.PUBLISHED, life.published)

    def _is_overruled(self, life: SelectorLife) -> bool:
        """Whether its line is there, and PowerMTA takes another everywhere."""
        return life.selector in self.facts.overruled and life.selector not in self.facts.signing

    def _ending(self, life: SelectorLife, stage: Stage) -> NextStep:
        if life.revoked is not None:
            return NextStep(todo=Todo.DONE)
        if stage is Stage.REVOKED or life.removed is not None:
            return NextStep(todo=Todo.REMOVE_RECORD, due=record_due(life, self.rotation, self.now))
        due = file_due(life, self.facts.longest) or self.now
        signs = sorted(host for host, selectors in self.facts.live.items() if life.selector in selectors)
        if signs:
            return NextStep(todo=Todo.REMOVE_FILE, waits_for=f"{', '.join(signs)}, which still signs with it")
        return NextStep(todo=Todo.REMOVE_FILE, due=due)

    # -- what hosts and DNS should have --------------------------------------------------------------------------------

    def _wanted(self, switch: str | None, rows: tuple[SelectorStatus, ...]) -> WantedSelectors:
        lives = self.history.lives
        retired = tuple(life.selector for life in lives if self._may_go(life))
        return WantedSelectors(
            files=tuple(life.selector for life in lives if life.removed is None and life.selector not in retired),
            signing=switch or self.history.current,
            retired=retired,
            waiting=tuple(life.selector for life in self.history.candidates if life.selector != switch),
            records=tuple((row.selector, row.public, row.algorithm) for row in rows if row.stage is not Stage.REVOKED),
        )

    def _may_go(self, life: SelectorLife) -> bool:
        """Whether no mail can need its key any more."""
        if life.selector == self.history.current or life.selector in self.facts.signing:
            return False
        if life in self.history.candidates:
            return life.selector in self.facts.missing  # it never signed, and never will
        due = file_due(life, self.facts.longest)
        return life.removed is not None or due is None or self.now >= due


def moment(at: datetime) -> str:
    """A time as people read it, in its own zone."""
    return f"{at:%Y-%m-%d %H:%M} {at.tzname() or ''}".rstrip()


def short(span: timedelta) -> str:
    """A span of time as stacks write it: `90d`, `36h`, `90s`."""
    seconds = int(span.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
