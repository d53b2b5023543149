"""The data on providers and replies: complete, consistent, and every fact with a source that is listed."""

from __future__ import annotations

import re

import pytest

from pmtaform.policy.catalogue import library
from pmtaform.policy.model import MailboxProvider
from pmtaform.report.providers import ProviderView

DATA = library().latest
PROVIDERS = list(DATA.providers.values())
SCOPES = {"ip", "network", "connection", "domain", "sender", "recipient", "message"}


def test_there_is_one_version() -> None:
    assert library().versions == ("2026.11",)
    assert len(PROVIDERS) == 51


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.id)
def test_each_fact_has_a_source_that_is_listed(provider: MailboxProvider) -> None:
    facts = (*provider.mx, *provider.limits, *provider.replies, *provider.requirements)
    for text in (provider.domains_source, *(fact.source for fact in facts)):
        ids = re.findall(r"\b[A-Z][A-Z0-9]{2,3}\b", text)
        assert ids or text in ("-", "hosters' pages"), text
        assert set(ids) <= set(DATA.publications), text
    assert "not listed" not in ProviderView(provider, DATA.publications).json()


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.id)
def test_a_provider_is_well_formed(provider: MailboxProvider) -> None:
    assert re.fullmatch(r"[a-z0-9-]+", provider.id)
    assert provider.domains or provider.mx
    assert all(name == name.lower() and not name.endswith(".") for name in provider.domains)
    assert {scope for each in provider.replies for scope in each.scope.split("|")} <= SCOPES


def test_a_domain_has_one_provider() -> None:
    domains = [domain for provider in PROVIDERS for domain in provider.domains]
    assert len(domains) == len(set(domains))


def test_the_rules_name_listed_sources_and_known_owners() -> None:
    owners = {reply.provider for reply in DATA.replies} | set(DATA.providers)
    assert set(DATA.rule_owners) <= owners
    for owner in (None, *DATA.rule_owners):
        for rule in DATA.rules_for(owner):
            assert rule.source in DATA.publications
            assert rule.reply_class.slows or rule.provider is None
            assert "#" not in rule.pattern, "PowerMTA reads a comment there"
            assert not re.search(r"(?<!\\)/", rule.pattern), "PowerMTA ends the pattern there"


def test_the_labelled_replies_name_listed_sources() -> None:
    assert {reply.source for reply in DATA.replies} <= set(DATA.publications)
    assert len({reply.id for reply in DATA.replies}) == len(DATA.replies) == 912
