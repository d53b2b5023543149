"""Tests of a contract, taken from the module that runs them on pmtaform's own things."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType


def contract(module: ModuleType, *fixtures: str) -> dict[str, Callable[..., None]]:
    """The tests of `module` that need no other fixtures than `fixtures`, by name."""
    return {
        name: test
        for name, test in vars(module).items()
        if name.startswith("test_") and _needs(test) and _needs(test) <= set(fixtures)
    }


def _needs(test: Callable[..., None]) -> set[str]:
    given: set[str] = set()
    for mark in getattr(test, "pytestmark", []):
        if mark.name == "parametrize":
            names = mark.args[0]
            given |= {name.strip() for name in names.split(",")} if isinstance(names, str) else set(names)
    return set(inspect.signature(test).parameters) - given
