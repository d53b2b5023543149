"""What `show settings DOMAIN/VMTA` shows: the value of every domain directive that holds for one queue.

Documented: per directive, the most specific domain that sets it wins; a literal domain beats one from a macro; a
virtual MTA's domains inherit its pool's, and those the global ones (LANGUAGE.md section 5). This emulator's choice,
where the guides say nothing: any domain of a virtual MTA beats any global one, and with the same name a later line
beats an earlier one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from pmtaform.emulator.crosschecks import expand, macros_of
from pmtaform.emulator.loading import Group, Item
from pmtaform.lang.catalogue import GLOBAL, DirectiveSpec, catalogue
from pmtaform.lang.values import parse_cidr, problem

DEFAULT_VMTA: Final = "{default}"
EMPTY: Final = '""'
_FALLBACK: Final = re.compile(r"value of ([a-z0-9.-]+) if set")


def effective(top: Group, domain: str, vmta: str = DEFAULT_VMTA) -> dict[str, list[str]]:
    """Every domain directive with the values in force for a queue; an empty one has the single value `""`."""
    found = _set_values(top, domain.lower(), vmta)
    specs = _domain_specs()
    return {name: found.get(name) or [_default(spec, found, specs)] for name, spec in specs.items()}


def vmta_settings(top: Group, vmta: str) -> dict[str, list[str]]:
    """Every directive of a virtual MTA with the values in force: its own, its pool's, the global ones, defaults."""
    found: dict[str, list[str]] = {}
    for scope in ("virtual-mta", "virtual-mta-pool", GLOBAL):
        groups = [top] if scope == GLOBAL else list(_owners(top, scope, vmta))
        for name, values in _of(groups).items():
            found.setdefault(name, values)
    specs = _specs("virtual-mta")
    return {name: found.get(name) or [_default(spec, found, specs)] for name, spec in specs.items()}


def knows(top: Group, vmta: str) -> bool:
    """Whether a virtual MTA (or a pool) has this name."""
    tags = ("virtual-mta", "virtual-mta-pool")
    return vmta == DEFAULT_VMTA or any(g.argument == vmta for tag in tags for g in top.groups(tag))


def _set_values(top: Group, domain: str, vmta: str) -> dict[str, list[str]]:
    macros = macros_of(top)
    found: dict[str, list[str]] = {}
    layers = [list(_owners(top, "virtual-mta", vmta)), list(_owners(top, "virtual-mta-pool", vmta)), [top]]
    for owners in layers:
        ranked: dict[tuple[int, int, int], list[Group]] = {}
        for owner in owners:
            for group in owner.groups("domain"):
                literal = "$" not in group.argument
                names = [group.argument] if literal else expand(group.argument, macros, group)
                ranks = [rank for name in names if (rank := specificity(name.lower(), domain)) is not None]
                if ranks:
                    ranked.setdefault((*max(ranks), int(literal)), []).append(group)
        for closeness in sorted(ranked, reverse=True):
            for directive, values in _of(ranked[closeness]).items():
                found.setdefault(directive, values)
    return found


def specificity(pattern: str, domain: str) -> tuple[int, int] | None:
    """How closely a domain pattern fits a domain: larger is closer, None is not at all."""
    if pattern == domain:
        return (3, len(pattern))
    if pattern == "*":
        return (0, 0)
    if pattern.startswith("[*.]"):
        name = pattern[4:]
        return (3, 0) if domain == name else (1, len(name) * 2) if domain.endswith("." + name) else None
    if pattern.startswith("*."):
        return (1, len(pattern[2:]) * 2 + 1) if domain.endswith(pattern[1:]) else None
    if pattern.startswith("[") and domain.startswith("["):
        return _literal_specificity(pattern[1:-1], domain[1:-1])
    return None


def _literal_specificity(pattern: str, address: str) -> tuple[int, int] | None:
    import ipaddress

    try:
        network = ipaddress.ip_network(parse_cidr(pattern) or pattern, strict=False)
        inside = ipaddress.ip_address(address.removeprefix("ipv6:")) in network
    except ValueError:
        return None
    return (1, network.prefixlen) if inside else None


def _owners(top: Group, tag: str, vmta: str) -> Iterator[Group]:
    for group in top.groups(tag):
        if group.argument == vmta or (
            tag == "virtual-mta-pool" and any(item.value == vmta for item in group.items("virtual-mta"))
        ):
            yield group


def _of(groups: list[Group]) -> dict[str, list[str]]:
    """The values that sections of the same rank set: later lines replace earlier ones unless they add up."""
    found: dict[str, list[str]] = {}
    for group in groups:
        for item in group.items():
            _put(found, item)
    return found


def _put(found: dict[str, list[str]], item: Item) -> None:
    if item.spec.accumulates and item.value != EMPTY and found.get(item.name) != [EMPTY]:
        found.setdefault(item.name, []).append(item.value)
    else:
        found[item.name] = [item.value]


def _default(spec: DirectiveSpec, found: dict[str, list[str]], specs: dict[str, DirectiveSpec]) -> str:
    """The default as one value. Where the guide explains it in prose, its first word, if that is a value."""
    text = spec.default or ""
    if other := _FALLBACK.match(text):
        if other[1] in found:
            return " ".join(found[other[1]])
        return _default(specs[other[1]], found, specs) if other[1] in specs else EMPTY
    if not text or (problem(spec, text) is None and " " not in text):
        return text or EMPTY
    first = text.split()[0].rstrip(",")
    return first if spec.type not in ("string", "list") and problem(spec, first) is None else EMPTY


@cache
def _domain_specs() -> dict[str, DirectiveSpec]:
    return _specs("domain")


def _specs(scope: str) -> dict[str, DirectiveSpec]:
    known = catalogue()
    every = {name: known.directive(scope, name) for name in known.names(scope) if name != "include"}
    return {name: spec for name, spec in every.items() if spec is not None and spec.canonical is None}
