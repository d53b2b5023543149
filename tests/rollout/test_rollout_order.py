"""The order of a rollout: waves, spread and budget, as laws."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmtaform.model.operations import OnFailure, Rollout, Share, Spread, SpreadBy
from pmtaform.rollout.order import Budget, Candidate, Gate, waves

shares = st.builds(Share, st.integers(1, 100), st.booleans())
rollouts = st.builds(Rollout, canary=st.integers(0, 5), waves=st.lists(shares, max_size=4).map(tuple))
fleets = st.lists(st.sampled_from([None, None, "a", "b"]), max_size=40).map(
    lambda tags: [Candidate(name=f"mta{n}", together=tag) for n, tag in enumerate(tags)]
)


def fleet(count: int) -> list[Candidate]:
    return [Candidate(name=f"mta{n}") for n in range(1, count + 1)]


@pytest.mark.parametrize(
    ("rollout", "count", "sizes"),
    [
        (Rollout(), 5, [5]),
        (Rollout(), 0, []),
        (Rollout(canary=1), 5, [1, 4]),
        (Rollout(canary=9), 3, [3]),
        (Rollout(canary=1, waves=(Share(10, True), Share(50, True), Share(100, True))), 60, [1, 5, 24, 30]),
        (Rollout(waves=(Share(10, True), Share(50, True), Share(100, True))), 3, [1, 1, 1]),
        (Rollout(waves=(Share(2), Share(4))), 10, [2, 2, 6]),
    ],
)
def test_waves(rollout: Rollout, count: int, sizes: list[int]) -> None:
    assert [len(wave) for wave in waves(fleet(count), rollout)] == sizes


@given(fleets, rollouts, st.sets(st.integers(0, 39)))
def test_every_host_is_in_one_wave_and_in_the_order_of_the_stack(
    hosts: list[Candidate], rollout: Rollout, over: set[int]
) -> None:
    outcome = {f"mta{n}" for n in over}
    made = waves(hosts, rollout, outcome)
    names = [name for wave in made for name in wave]
    assert sorted(names) == sorted(h.name for h in hosts if h.name not in outcome)
    assert all(made)
    order = [h.name for h in hosts]
    assert all(list(wave) == sorted(wave, key=order.index) for wave in made)
    for tag in ("a", "b"):
        members = {h.name for h in hosts if h.together == tag and h.name not in outcome}
        assert sum(1 for wave in made if members & set(wave)) <= 1


@given(
    st.lists(st.tuples(st.sets(st.sampled_from("xyz")), st.booleans()), min_size=1, max_size=12),
    st.integers(1, 3),
    st.sampled_from(SpreadBy),
)
def test_never_more_of_one_pool_restart_at_once(shapes: list[tuple[set[str], bool]], most: int, by: SpreadBy) -> None:
    hosts = [
        Candidate(name=str(n), pools=frozenset(keys), groups=frozenset(keys), restarts=restarts)
        for n, (keys, restarts) in enumerate(shapes)
    ]
    gate = Gate(Spread(by, most), hosts)
    busy: list[Candidate] = []
    seen: list[int] = []
    turn = threading.Lock()

    def work(host: Candidate) -> None:
        assert gate.acquire(host.name)
        with turn:
            busy.append(host)
            seen.append(max((sum(key in h.pools and h.restarts for h in busy) for key in "xyz"), default=0))
        with turn:
            busy.remove(host)
        gate.release(host.name)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, hosts))
    assert max(seen) <= most
    assert len(seen) == len(hosts)


def test_who_waits_is_told_when_nothing_more_begins() -> None:
    gate = Gate(Spread(SpreadBy.POOL), [Candidate(name=n, pools=frozenset("x"), restarts=True) for n in "ab"])
    assert gate.acquire("a")
    assert gate.must_wait("b")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(gate.acquire, "b")
        gate.close()
        assert waiting.result(timeout=30) is False


@pytest.mark.parametrize(
    ("rollout", "failed", "unreachable", "told"),
    [
        (Rollout(), 0, 40, ""),
        (Rollout(), 1, 0, "1 of 60 hosts failed, and max-failures is 0"),
        (Rollout(max_failures=Share(2)), 2, 0, ""),
        (Rollout(max_failures=Share(2)), 3, 0, "3 of 60 hosts failed, and max-failures is 2"),
        (Rollout(max_failures=Share(10, True)), 6, 0, ""),
        (Rollout(max_failures=Share(10, True)), 7, 0, "7 of 60 hosts failed, and max-failures is 6"),
        (
            Rollout(max_failures=Share(5), on_failure=OnFailure.STOP),
            1,
            0,
            "1 of 60 hosts failed, and on-failure is stop",
        ),
        (Rollout(max_unreachable=Share(1)), 0, 2, "2 of 60 hosts cannot be reached, and max-unreachable is 1"),
    ],
)
def test_the_budget(rollout: Rollout, failed: int, unreachable: int, told: str) -> None:
    budget = Budget(rollout, 60)
    for _ in range(failed):
        budget.note_failed()
    for _ in range(unreachable):
        budget.note_unreachable()
    assert budget.spent == told
