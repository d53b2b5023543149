"""What `show settings DOMAIN/VMTA` shows: the value of every domain directive that holds for one queue.

The rules are those of `pmtaform.lang.effective`: documented ones, and its assumptions where the guides are silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pmtaform.lang.effective import DEFAULT_VMTA as DEFAULT_VMTA
from pmtaform.lang.effective import Effective, Value
from pmtaform.lang.includes import Configuration, read_configuration
from pmtaform_emulator.layout import CONFIG, DEFAULTS
from pmtaform_emulator.loading import Loaded

EMPTY: Final = '""'


def effective(loaded: Loaded) -> Effective:
    """The effective settings of a loaded configuration, `config-defaults` included."""
    return Effective(_configuration(loaded, CONFIG), _configuration(loaded, DEFAULTS))


def _configuration(loaded: Loaded, main: str) -> Configuration:
    return read_configuration(main, loaded.files, loaded.patterns)


def domain_settings(in_force: Effective, domain: str, vmta: str = DEFAULT_VMTA) -> dict[str, list[str]]:
    """Every domain directive with the values in force for a queue; an empty one has the single value `""`."""
    return _plain(in_force.settings(domain, vmta).values)


def vmta_settings(in_force: Effective, vmta: str) -> dict[str, list[str]]:
    """Every directive of a virtual MTA with the values in force: its own, its pool's, the global ones, defaults."""
    return _plain(in_force.settings("*", vmta).virtual_mta)


def _plain(values: Mapping[str, Value]) -> dict[str, list[str]]:
    return {name: list(value.values) or [EMPTY] for name, value in values.items()}
