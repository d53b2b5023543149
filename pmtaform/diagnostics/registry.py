"""The table of diagnostics: every constant in the modules of `codes/`."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

from pmtaform.diagnostics import codes
from pmtaform.diagnostics.definition import Definition


@cache
def areas() -> Mapping[str, tuple[Definition, ...]]:
    """The definitions of each area, in the order in which they are written."""
    names = sorted(module.name for module in pkgutil.iter_modules(codes.__path__))
    return MappingProxyType({name: _definitions(f"{codes.__name__}.{name}") for name in names})


@cache
def table() -> Mapping[str, Definition]:
    """All definitions by code."""
    return MappingProxyType({each.code: each for area in areas().values() for each in area})


def _definitions(module: str) -> tuple[Definition, ...]:
    values = vars(import_module(module)).items()
    return tuple(value for name, value in values if isinstance(value, Definition) and name.isupper())
