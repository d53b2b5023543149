"""What differs between two versions of what is known of providers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pmtaform.policy.model import KnownLimit, MailboxProvider


@dataclass(frozen=True, slots=True)
class ProviderChange:
    """One fact that differs. `before` is None for a new fact, `after` for one that is gone."""

    provider: str
    fact: str
    before: str | None
    after: str | None


def provider_changes(
    old: Mapping[str, MailboxProvider], new: Mapping[str, MailboxProvider]
) -> tuple[ProviderChange, ...]:
    """What differs, provider by provider, in the order of the newer data."""
    return tuple(
        change for name in dict.fromkeys((*new, *old)) for change in _of_one(name, old.get(name), new.get(name))
    )


def _of_one(name: str, old: MailboxProvider | None, new: MailboxProvider | None) -> Iterator[ProviderChange]:
    if old is None or new is None:
        yield ProviderChange(name, "provider", old.name if old else None, new.name if new else None)
        return
    before, after = _facts(old), _facts(new)
    for fact in dict.fromkeys((*after, *before)):
        if before.get(fact) != after.get(fact):
            yield ProviderChange(name, fact, before.get(fact), after.get(fact))


def _facts(provider: MailboxProvider) -> dict[str, str]:
    """Each fact by a name that stays the same when its value changes."""
    single = {
        "name": provider.name,
        "TLS": provider.tls,
        "postmaster": provider.postmaster,
        "notes": provider.notes,
    }
    return {
        **single,
        **{f"domain {domain}": provider.domains_source for domain in provider.domains},
        **{f"MX {mx.pattern}": f"{mx.source}, {mx.confidence}" for mx in provider.mx},
        **_limits(provider),
        **{
            f"reply {each.code} {each.token}": f"{each.means} ({each.scope}; {each.source}, {each.confidence})"
            for each in provider.replies
        },
        **{f"requirement {each.text}": f"{each.source}, {each.confidence}" for each in provider.requirements},
    }


def _limits(provider: MailboxProvider) -> dict[str, str]:
    """The limits; a second one of a kind has its source in its name."""
    facts: dict[str, str] = {}
    for limit in provider.limits:
        name = f"limit {limit.kind}"
        facts[name if name not in facts else f"{name} ({limit.source})"] = _limit(limit)
    return facts


def _limit(limit: KnownLimit) -> str:
    value = "unpublished" if limit.value is None else str(limit.value)
    return f"{value} ({limit.source}, {limit.confidence})"
