"""Mailbox providers by name, and what differs between two versions of the data."""

from __future__ import annotations

from dataclasses import dataclass

from pmtaform.diagnostics import did_you_mean
from pmtaform.diagnostics.codes.policy import NO_SUCH_DATA_VERSION, NO_SUCH_PROVIDER
from pmtaform.errors import UsageError
from pmtaform.policy.catalogue import PolicyData, PolicyLibrary, library
from pmtaform.policy.model import MailboxProvider
from pmtaform.policy.provider_changes import ProviderChange, provider_changes
from pmtaform.policy.provider_search import find_provider, names_of


def provider_named(name: str, known: PolicyLibrary | None = None) -> MailboxProvider:
    """The provider that `ID`, `ID@VERSION`, a recipient domain or an MX name means. Raises `UsageError`."""
    word, data = _versioned(name, known or library())
    provider = find_provider(data, word)
    if provider is None:
        near = did_you_mean(word, names_of(data), several=3) or f" The ids are: {', '.join(data.providers)}."
        hosted = " For a company's own domain, give the name of its MX." if "." in word else ""
        raise UsageError.of(NO_SUCH_PROVIDER, f'No provider is known as "{word}".{near}{hosted}')
    return provider


@dataclass(frozen=True, slots=True)
class ProviderComparison:
    """What differs between two versions; `versions` are all that exist."""

    old: str
    new: str
    changes: tuple[ProviderChange, ...]
    versions: tuple[str, ...]


def compare_providers(old: str, new: str | None = None, known: PolicyLibrary | None = None) -> ProviderComparison:
    """Two versions of the data, or of one provider in it: `2026.11` or `gmail@2026.11`. Raises `UsageError`.

    `new` None: the same in the newest version.
    """
    known = known or library()
    new = new or (old.rpartition("@")[0] if "@" in old else known.latest.version)
    sides = [_side(text, known) for text in (old, new)]
    return ProviderComparison(old, new, provider_changes(*sides), known.versions)


def _side(text: str, known: PolicyLibrary) -> dict[str, MailboxProvider]:
    if "@" not in text and text[:1].isdigit():
        return dict(_data(text, known).providers)
    provider = provider_named(text, known)
    return {provider.id: provider}


def _versioned(name: str, known: PolicyLibrary) -> tuple[str, PolicyData]:
    word, at, version = name.rpartition("@")
    return (word, _data(version, known)) if at else (name, known.latest)


def _data(version: str, known: PolicyLibrary) -> PolicyData:
    try:
        return known[version]
    except KeyError:
        detail = f'There is no version "{version}" of the data. There are: {", ".join(known.versions)}.'
        raise UsageError.of(NO_SUCH_DATA_VERSION, detail) from None
