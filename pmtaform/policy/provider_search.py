"""Finding a provider by its id, a recipient domain, or the name of a mail exchanger."""

from __future__ import annotations

from pmtaform.policy.catalogue import PolicyData
from pmtaform.policy.model import MailboxProvider


def provider_of_domain(data: PolicyData, domain: str) -> MailboxProvider | None:
    """The provider with this recipient domain, as far as one can be known without DNS."""
    domain = domain.rstrip(".").lower()
    return next((each for each in data.providers.values() if domain in each.domains), None)


def find_provider(data: PolicyData, name: str) -> MailboxProvider | None:
    """The provider that a name means: an id, else a recipient domain, else a mail exchanger or an MX pattern.

    Where the patterns of several providers match, the longest decides.
    """
    name = name.strip().rstrip(".").lower()
    if name in data.providers:
        return data.providers[name]
    return provider_of_domain(data, name) or _by_mx(data, name)


def names_of(data: PolicyData) -> tuple[str, ...]:
    """Every name by which a provider is found, for suggestions."""
    return tuple(
        name
        for each in data.providers.values()
        for name in (each.id, *each.domains, *(mx.pattern.removeprefix("*.") for mx in each.mx))
    )


def _by_mx(data: PolicyData, name: str) -> MailboxProvider | None:
    matches = [
        (len(mx.pattern), each)
        for each in data.providers.values()
        for mx in each.mx
        if mx.matches(name) or mx.pattern.lower() == name
    ]
    return max(matches, key=lambda match: match[0])[1] if matches else None
