"""Mailbox providers as text for people and JSON for programs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from pmtaform.policy.model import Confidence, KnownLimit, MailboxProvider, Publication
from pmtaform.report.style import Style, clean, columns, counted, wrapped
from pmtaform.report.views import Screen, json_document

if TYPE_CHECKING:
    from pmtaform.api.providers import ProviderComparison

_LABEL: Final = 14
_ID: Final = re.compile(r"\b[A-Z][A-Z0-9]{2,3}\b")


@dataclass(frozen=True, slots=True)
class ProviderTable:
    """Every provider of one version, a row each."""

    version: str
    providers: Sequence[MailboxProvider]

    def text(self, screen: Screen) -> str:
        """The table, and below it what the words mean."""
        style = Style(screen.colour)
        head = ("ID", "NAME", "DOMAINS", "MX", "LIMITS", "TLS", "CONFIDENCE")
        first, *rows = columns([head, *map(_row, self.providers)], widest=44)
        return "\n".join([style(first, "bold"), *rows, "", *self._legend(screen.width)]) + "\n"

    def _legend(self, width: int) -> Iterator[str]:
        yield from wrapped(
            f"{counted(len(self.providers), 'provider')}, version {self.version} of the data. A limit in brackets is "
            "not the provider's own number. A provider without domains is found by its MX only.",
            width,
            "",
        )
        yield "One provider with the source of each fact:"
        yield "    pmtaform providers NAME"

    def json(self) -> str:
        """A document of kind `pmtaform-providers`."""
        rows = [_data(provider) for provider in self.providers]
        return json_document("pmtaform-providers", {"version": self.version, "providers": rows})


def _row(provider: MailboxProvider) -> tuple[str, ...]:
    domains = _few(provider.domains, 2) or "(hosted domains)"
    patterns = _few([mx.pattern for mx in provider.mx], 1) or "-"
    limits = _few([_short(limit) for limit in provider.limits if limit.value is not None], 1) or "-"
    tls = provider.tls.partition(";")[0].partition(" (")[0]
    return provider.id, _cut(provider.name, 26), domains, patterns, limits, tls, provider.confidence


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 3].rstrip(" ,:") + "..."


def _few(texts: Sequence[str], most: int) -> str:
    more = len(texts) - most
    return ", ".join(texts[:most]) + (f" +{more}" if more > 0 else "")


def _short(limit: KnownLimit) -> str:
    text = _cut(f"{limit.kind}: {limit.value}", 40)
    return text if limit.is_published else f"({text})"


@dataclass(frozen=True, slots=True)
class ProviderView:
    """One provider in full, each fact with its source and confidence."""

    provider: MailboxProvider
    publications: Mapping[str, Publication]

    def text(self, screen: Screen) -> str:
        """The provider's facts by what they are about; then what confidence means, and the sources."""
        provider, style = self.provider, Style(screen.colour)
        lines = [style(clean(f"{provider.name} ({provider.versioned})"), "bold", "cyan")]
        for label, texts in self._parts():
            for number, text in enumerate(texts):
                lines += _labelled(label if number == 0 else "", text, screen, style)
        lines += ["", style("Confidence", "bold")]
        for confidence in Confidence:
            lines += _labelled(confidence, confidence.sentence, screen, style)
        lines += ["", style("Sources", "bold")]
        for name in self._sources():
            known = self.publications.get(name)
            about = f"{known.title}, {known.date} ({known.kind})" if known is not None else "not listed"
            lines += _labelled(name, about, screen, style)
        return "\n".join(lines) + "\n"

    def _parts(self) -> Iterator[tuple[str, list[str]]]:
        provider = self.provider
        yield (
            "domains",
            [f"{', '.join(provider.domains)} [{provider.domains_source}]"]
            if provider.domains
            else ["none: domains are hosted here, and only the MX tells them"],
        )
        yield "MX", [f"{mx.pattern} {_basis(mx.source, mx.confidence)}" for mx in provider.mx] or ["not known"]
        yield "TLS", [f"{provider.tls} (as in KumoMTA's rules; opportunistic where they have none)"]
        yield "limits", [_limit(limit) for limit in provider.limits] or ["none known"]
        yield (
            "replies",
            [
                f"{each.code} {each.token}: {each.means} (about: {each.scope.replace('|', ', ')}) "
                f"{_basis(each.source, each.confidence)}"
                for each in provider.replies
            ],
        )
        yield "requires", [f"{each.text} {_basis(each.source, each.confidence)}" for each in provider.requirements]
        yield "postmaster", [provider.postmaster] if provider.postmaster not in ("", "-") else []
        yield "notes", [provider.notes] if provider.notes else []

    def _sources(self) -> list[str]:
        provider = self.provider
        named = [
            provider.domains_source,
            *(each.source for each in provider.mx),
            *(each.source for each in provider.limits),
            *(each.source for each in provider.replies),
            *(each.source for each in provider.requirements),
        ]
        return list(dict.fromkeys(_split(named)))

    def json(self) -> str:
        """A document of kind `pmtaform-provider`."""
        known = {name: asdict(self.publications[name]) for name in self._sources() if name in self.publications}
        return json_document("pmtaform-provider", {**_data(self.provider), "sources": known})


def _split(named: Iterable[str]) -> Iterator[str]:
    """Single sources: a fact may name several, among words."""
    for text in named:
        yield from _ID.findall(text)


def _basis(source: str, confidence: Confidence) -> str:
    return f"[{source}, {confidence}]"


def _limit(limit: KnownLimit) -> str:
    basis = _basis(limit.source, limit.confidence)
    note = f"; {limit.note}" if limit.note else ""
    if limit.value is None:
        return f"{limit.kind}: no number published {basis}{note}"
    mark = "" if limit.is_published else " (not published by the provider)"
    return f"{limit.kind}: {limit.value}{mark} {basis}{note}"


def _labelled(label: str, text: str, screen: Screen, style: Style) -> list[str]:
    """`label   text`, the text broken behind its column."""
    lines = wrapped(text, screen.width, " " * (_LABEL + 2)) or [""]
    lines[0] = "  " + style(f"{label:{_LABEL}}", "dim") + lines[0].lstrip()
    return lines


def _data(provider: MailboxProvider) -> dict[str, Any]:
    data = asdict(provider)
    for limit, row in zip(provider.limits, data["limits"], strict=True):
        row["published"] = limit.is_published
    return {**data, "confidence": provider.confidence}


@dataclass(frozen=True, slots=True)
class ProviderChangeTable:
    """What differs between two versions of the data."""

    comparison: ProviderComparison

    def text(self, screen: Screen) -> str:
        """The changes by provider; `+` is new, `-` is gone, `~` differs."""
        old, new, style = self.comparison.old, self.comparison.new, Style(screen.colour)
        if not self.comparison.changes:
            return "\n".join([f"No fact differs between {clean(old)} and {clean(new)}.", *self._only()]) + "\n"
        lines = [style(f"From {clean(old)} to {clean(new)}", "bold")]
        provider = None
        for change in self.comparison.changes:
            if change.provider != provider:
                provider = change.provider
                lines.append(style(clean(provider), "bold", "cyan"))
            sign = "+" if change.before is None else "-" if change.after is None else "~"
            values = " -> ".join(value for value in (change.before, change.after) if value is not None)
            first, *rest = wrapped(f"{sign} {change.fact}: {values}", screen.width, "    ")
            lines += [first[2:], *rest]
        return "\n".join([*lines, counted(len(self.comparison.changes), "fact differs", "facts differ")]) + "\n"

    def _only(self) -> list[str]:
        versions = self.comparison.versions
        return [f"This pmtaform has one version of the data, {versions[0]}."] if len(versions) == 1 else []

    def json(self) -> str:
        """A document of kind `pmtaform-provider-changes`."""
        comparison = self.comparison
        changes = [asdict(change) for change in comparison.changes]
        fields = {"old": comparison.old, "new": comparison.new, "versions": comparison.versions, "changes": changes}
        return json_document("pmtaform-provider-changes", fields)
