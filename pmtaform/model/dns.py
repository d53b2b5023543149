"""How DNS is asked for a stack, and the domains that its configuration does not name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsSettings:
    """The key `dns` of a stack. Times are seconds; domains are in small letters, without a dot at their end."""

    mode: str = "warn"  # "require", "warn" or "off"
    on_plan: str = "off"  # the same, for the domains that a plan changes; a stack without `dns` is planned without DNS
    resolvers: tuple[str, ...] = ()  # none: those of this machine
    timeout: float = 3.0
    tries: int = 2
    deadline: float = 15.0
    authoritative: bool = True
    envelope_domains: tuple[str, ...] = ()
    bounce_domains: tuple[str, ...] = ()
    feedback_domains: tuple[str, ...] = ()
    from_domains: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
