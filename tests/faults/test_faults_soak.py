"""A small soak; `make soak` runs 200 applies over 30 hosts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from soak import Soak


@pytest.fixture
def soak(tmp_path: Path) -> Iterator[Soak]:
    before = dict(os.environ)
    try:
        yield Soak(tmp_path, hosts=10, seed=7)
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_nothing_is_mixed_nothing_is_lost_nothing_grows(soak: Soak) -> None:
    soak.go(applies=12, at_once=4)
    assert soak.grown() == ""
