"""What holds of a rotation whatever happens: a world of hosts, zones and people, day by day, and its laws."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pmtaform.dkim.observation import KeyFacts, RecordStatus, observe, switched
from pmtaform.dkim.status import KeyStatus, SwitchConsent, Todo, key_status
from pmtaform.model.rotation import KeyHistory, Rotation, SelectorLife, Stage, selector_for

START = datetime(2026, 1, 1, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ROTATION = Rotation(every=90 * DAY, publish_for=timedelta(hours=48), retire_after=7 * DAY)
LONGEST = timedelta(days=4, hours=12)
MISSING = RecordStatus(published=False, verified=False, gone=True, why="ns1 has no record")
HALF = RecordStatus(published=True, verified=False, gone=False, why="a resolver has no record yet")
WHOLE = RecordStatus(published=True, verified=True, gone=False, why="")


@dataclass
class World:
    """Two hosts, a store of keys, a zone; `zone` are the selectors with a record, `seen` those that resolvers have."""

    now: datetime = START
    hosts: dict[str, str | None] = field(default_factory=lambda: {"mta1": None, "mta2": None})
    files: set[str] = field(default_factory=set)
    store: list[str] = field(default_factory=list)
    zone: set[str] = field(default_factory=set)
    resolvers: bool = True
    asked: bool = True
    history: KeyHistory = field(default_factory=KeyHistory)
    signed: dict[str, datetime] = field(default_factory=dict)  # when a host last signed with it
    switches: list[tuple[datetime, str]] = field(default_factory=list)
    deleted: list[tuple[datetime, str]] = field(default_factory=list)
    whole_since: dict[str, datetime] = field(default_factory=dict)  # since when everybody could see its record

    def facts(self, hosts: bool = True) -> KeyFacts:
        looks = {selector: self.look(selector) for selector in self.store} if self.asked else {}
        live = {name: frozenset([one] if one else []) for name, one in self.hosts.items()} if hosts else {}
        return KeyFacts(hosts=tuple(self.hosts), live=live, kept=frozenset(self.files), longest=LONGEST, records=looks)

    def look(self, selector: str) -> RecordStatus:
        if selector not in self.zone:
            return MISSING
        return WHOLE if self.resolvers else HALF

    def status(self, hosts: bool = True) -> KeyStatus:
        facts = self.facts(hosts)
        self.history = observe(self.history, ROTATION, facts, self.now)
        return key_status("example.com/s", ROTATION, self.history, facts, self.now)

    def rotate(self) -> None:
        """`pmtaform dkim rotate`: a key is generated when that is due."""
        step = self.status(hosts=False).step
        if step.todo is Todo.GENERATE and step.due is not None and step.due <= self.now:
            name = selector_for("s", self.now, {*self.store, *(life.selector for life in self.history.lives)})
            self.store.append(name)
            self.history = self.history.having(SelectorLife(selector=name, generated=self.now))

    def apply(self) -> None:
        """`pmtaform apply`: the hosts get what is wanted."""
        status = self.status()
        self.check(status)
        gone = self.files - set(status.wanted.files)
        self.deleted += [(self.now, name) for name in gone]
        for name in gone:
            assert name in status.wanted.retired, "a file is removed without permission"
        self.files = set(status.wanted.files)
        if status.switch is not None:
            self.switches.append((self.now, status.switch))
            self.history = switched(self.history, status.switch, self.now)
        self.hosts = dict.fromkeys(self.hosts, status.wanted.signing)

    def publish(self) -> None:
        """The operator adds the wanted records to the zone, and removes those that may go."""
        wanted = {name for name, *_ in self.status(hosts=False).wanted.records}
        self.zone = wanted | {name for name in self.zone if self.history.life(name) is None}

    def check(self, status: KeyStatus) -> None:
        """The laws, at every step that hosts take."""
        wanted = status.wanted
        if any(self.hosts.values()):
            assert wanted.signing is not None, "mail was signed, and would not be any more"
        assert wanted.signing is None or wanted.signing in wanted.files
        assert not set(wanted.files) & set(wanted.retired)
        if status.switch is not None:
            since = self.whole_since[status.switch]
            assert self.now - since >= ROTATION.publish_for, "it signs before everybody has seen its record long enough"
        for name in self.files - set(wanted.files):
            if name in self.signed:
                assert self.now >= self.signed[name] + LONGEST, "a file goes while mail may still need it"

    def passes(self, time: timedelta) -> None:
        for one in self.hosts.values():
            if one:
                self.signed[one] = self.now
        self.now += time
        for one in self.hosts.values():
            if one:
                self.signed[one] = self.now
        for name in self.store:
            if name in self.zone and self.resolvers:
                self.whole_since.setdefault(name, self.now)
            elif self.asked:  # a gap while DNS is not asked is seen by no one
                self.whole_since.pop(name, None)

    def day(self) -> None:
        self.rotate()
        self.publish()
        self.passes(timedelta())
        self.apply()
        self.passes(DAY)


def test_driven_day_by_day_it_rotates_every_ninety_days_for_three_years() -> None:
    world = World()
    for _ in range(3 * 365):
        world.day()
    times = [at for at, _ in world.switches]
    assert times[0] - START == 2 * DAY, "the first signs when its record was there for 48 hours"
    assert [later - earlier for earlier, later in pairwise(times)] == [90 * DAY] * 12
    assert len({name for _, name in world.switches}) == 13
    # each file goes five days after the switch (4d12h, seen once a day), and its record a week after that
    assert [at for at, _ in world.deleted] == [at + 5 * DAY for at in times[1:]][: len(world.deleted)]
    assert len(world.deleted) >= 11
    assert len(world.zone) <= 3
    assert all(life.revoked for life in world.history.lives[:-2])


EVENTS = ["rotate", "publish", "apply", "hours", "day", "week", "ages", "unpublish", "resolvers", "asked", "forget"]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([*EVENTS, "day", "apply", "publish", "by-hand"]), max_size=60))
@example(["rotate", "publish", "rotate", "day", "asked", "resolvers"])
def test_whatever_happens_no_unverified_selector_signs_and_no_file_goes_too_early(events: list[str]) -> None:
    world = World()
    for event in events:
        happen(world, event)
    world.resolvers = world.asked = True
    for _ in range(12):
        world.day()
    assert all(world.hosts.values()), "it always comes to sign in the end"
    assert len(set(world.hosts.values())) == 1


def happen(world: World, event: str) -> None:
    spans = {"hours": timedelta(hours=7), "day": DAY, "week": 7 * DAY, "ages": 60 * DAY}
    match event:
        case "rotate" | "publish" | "apply":
            getattr(world, event)()
            world.passes(timedelta())
        case "unpublish":
            world.zone.clear()
            world.passes(timedelta())
            world.status()  # someone looks
        case "resolvers":
            world.resolvers = not world.resolvers
            world.passes(timedelta())
            world.status()
        case "asked":
            world.asked = not world.asked
        case "forget":
            world.history = KeyHistory()
        case "by-hand":
            if world.files:
                world.hosts["mta1"] = min(world.files)
                world.passes(timedelta())
        case _:
            world.passes(spans[event])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(EVENTS), max_size=30), st.booleans())
def test_each_step_is_safe_to_repeat(events: list[str], hosts: bool) -> None:
    world = World()
    for event in events:
        happen(world, event)
    once = world.status(hosts)
    history = world.history
    assert world.status(hosts) == once
    assert world.history == history
    world.rotate()
    stored = list(world.store)
    world.rotate()
    assert world.store == stored
    world.apply()
    hosts_then, files_then = dict(world.hosts), set(world.files)
    world.apply()
    assert (world.hosts, world.files) == (hosts_then, files_then)


@pytest.fixture
def signing() -> World:
    """A world whose first selector signs, and whose second is verified and due in four days."""
    world = World()
    for _ in range(89):
        world.day()
    assert len(world.store) == 2
    return world


def test_a_lost_history_makes_everything_last_longer(signing: World) -> None:
    before = signing.hosts["mta1"]
    signing.history = KeyHistory()
    signing.apply()
    assert signing.hosts["mta1"] == before, "what hosts sign with is taken from them"
    assert signing.files == set(signing.store), "no file goes"
    for _ in range(89):
        signing.day()
    assert signing.hosts["mta1"] == before, "its ninety days count from when it was seen again"
    for _ in range(4):
        signing.day()
    assert signing.hosts["mta1"] == signing.store[1]


def test_a_record_that_disappears_begins_its_time_again(signing: World) -> None:
    new = signing.store[1]
    signing.zone.discard(new)
    status = signing.status()
    assert (status.step.todo, status.step.waits_for) == (Todo.PUBLISH, "ns1 has no record")
    signing.zone.add(new)
    signing.now += 10 * DAY
    status = signing.status()
    assert status.blocked.startswith("its record was not there long enough")
    assert status.switch is None
    signing.now += timedelta(hours=47)
    assert signing.status().switch is None
    signing.now += timedelta(hours=1)
    assert signing.status().switch == new


def test_who_cannot_be_asked_blocks_and_does_not_begin_again(signing: World) -> None:
    signing.now += 10 * DAY
    signing.asked = False
    status = signing.status()
    assert (status.switch, status.blocked) == (None, "DNS was not asked")
    signing.asked = True
    assert signing.status().switch == signing.store[1]


def test_it_can_be_forced_by_name_and_held(signing: World) -> None:
    signing.now += 10 * DAY
    signing.resolvers = False
    facts = signing.facts()
    history = observe(signing.history, ROTATION, facts, signing.now)
    forced = key_status("k", ROTATION, history, facts, signing.now, SwitchConsent(force=True))
    assert forced.switch == signing.store[1]
    assert forced.unready[signing.store[1]] == "a resolver has no record yet"
    held = key_status(
        "k", ROTATION, history, facts, signing.now, SwitchConsent(force=True, hold="mta2 could not be reached")
    )
    assert (held.switch, held.wanted.signing) == (None, signing.store[0])


def test_a_clock_that_goes_back_makes_nothing_happen(signing: World) -> None:
    now = signing.now
    signing.now = START - 400 * DAY
    status = signing.status()
    assert status.switch is None
    assert set(status.wanted.files) == signing.files
    signing.now = now
    for _ in range(3):
        signing.day()
    assert len(set(signing.hosts.values())) == 1


def test_a_host_that_was_rolled_back_by_hand_keeps_the_old_file_needed(signing: World) -> None:
    for _ in range(5):
        signing.day()
    old, new = signing.store
    assert signing.hosts["mta1"] == new
    signing.hosts["mta1"] = old
    signing.now += 30 * DAY
    status = signing.status()
    assert (status.wanted.signing, status.switch) == (new, None)
    assert old in status.wanted.files
    row = next(row for row in status.selectors if row.selector == old)
    assert (row.stage, row.step.waits_for) == (Stage.RETIRING, "mta1, which still signs with it")
    signing.apply()
    assert signing.hosts["mta1"] == new
    signing.now += LONGEST - timedelta(hours=1)
    assert old in signing.status().wanted.files
    signing.now += timedelta(hours=1)
    assert old in signing.status().wanted.retired


def test_a_run_that_ended_before_it_could_say_so_is_found_out(signing: World) -> None:
    old, new = signing.store
    signing.hosts["mta1"] = new
    assert signing.status().current == old, "one host has an unexpected selector"
    signing.hosts["mta2"] = new
    status = signing.status()
    assert (status.current, status.switch) == (new, None)
    assert old in status.wanted.files


def test_another_key_behind_the_same_reference_is_another_key(signing: World) -> None:
    new = signing.store[1]
    life = signing.history.life(new)
    assert life is not None
    assert life.verified is not None
    history = signing.history.having(SelectorLife(**{**{f: getattr(life, f) for f in life.__slots__}, "public": "AAA"}))
    facts = KeyFacts(publics={new: ("BBB", "rsa")}, records={new: RecordStatus(why="?")})
    seen = observe(history, ROTATION, facts, signing.now).life(new)
    assert seen is not None
    assert (seen.verified, seen.public) == (None, "BBB")
