"""The input of the DNS checks from a stack: names, addresses and selectors."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from pmtaform.dns.facts import StackDomains
from pmtaform.dns.resolver import plain
from pmtaform.stack.stack import Stack


def declared_names(stack: Stack) -> StackDomains:
    """The domains that a stack's `dns` names."""
    return StackDomains(
        envelope=stack.dns.envelope_domains,
        bounce=stack.dns.bounce_domains,
        feedback=stack.dns.feedback_domains,
        from_=stack.dns.from_domains,
        zones=stack.dns.zones,
    )


def waiting_selectors(stack: Stack) -> set[tuple[str, str]]:
    """(domain, selector) of the next selectors of keys that rotate."""
    return {
        (plain(name.partition("/")[0]), selector.lower())
        for name, wanted in stack.selectors.items()
        for selector in wanted.waiting
    }


def reached_at(stack: Stack, hosts: Sequence[str]) -> list[str]:
    """The IP addresses at which hosts are reached, as far as the stack names them."""
    addresses: list[str] = []
    for name in hosts:
        try:
            addresses.append(str(ipaddress.ip_address(stack.hosts[name].address)))
        except ValueError:
            continue
    return addresses
