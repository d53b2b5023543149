"""Few hosts have trees at the same time, and a large one has them alone."""

from __future__ import annotations

import threading

from pmtaform.inspection.turns import Turns

SMALL, LARGE = 1_000, 10_000_000


def test_small_hosts_have_their_turns_together_and_taking_twice_counts_once() -> None:
    turns = Turns()
    with turns.one(SMALL) as first, turns.one(SMALL) as second, turns.one(SMALL) as third:
        for take in (first, second, third, first, second, third):
            take()


def test_a_large_host_waits_until_no_other_has_a_turn() -> None:
    turns, order = Turns(), list[str]()

    def large() -> None:
        with turns.one(LARGE) as take:
            take()
            order.append("large")

    with turns.one(SMALL) as take:
        take()
        thread = threading.Thread(target=large)
        thread.start()
        order.append("small")
    thread.join()
    assert order == ["small", "large"]


def test_a_host_that_needs_no_tree_takes_no_room() -> None:
    turns = Turns()
    with turns.one(LARGE), turns.one(LARGE) as take:
        take()
