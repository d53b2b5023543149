"""Which changes need consent by name, and why.

    findings = find_dangers(before, after)        # two configurations -> what the change costs, worst first
    plan = with_dangers(plan, findings)           # ... at the changes that bring it about

Dangers are derived from the effect of a change on mail, not from the lines that it touches. A check is one module with
one function from `Sides` to findings, and one line in `CHECKS`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Final

from pmtaform.lang.includes import Configuration
from pmtaform.lang.parsing import gc_paused
from pmtaform.plan.dangers.acceptance import mail_refused
from pmtaform.plan.dangers.access import access_changed
from pmtaform.plan.dangers.accounts import accounts_cut_off
from pmtaform.plan.dangers.addresses import addresses_lost, shares_raised, virtual_mtas_gone
from pmtaform.plan.dangers.backoff import backoff_lost
from pmtaform.plan.dangers.bounce_rules import bounce_rules_widened
from pmtaform.plan.dangers.capacity import capacity_lost
from pmtaform.plan.dangers.categories import categories_lost
from pmtaform.plan.dangers.ciphers import ciphers_weakened
from pmtaform.plan.dangers.codes import CODES, CONSENTS
from pmtaform.plan.dangers.copies import copies_changed
from pmtaform.plan.dangers.destinations import destinations_changed
from pmtaform.plan.dangers.finding import Check, Finding
from pmtaform.plan.dangers.keeping import mail_not_kept
from pmtaform.plan.dangers.limits import limits_raised, queues_parted, retries_woken, rollups_left
from pmtaform.plan.dangers.loss import mail_bounced
from pmtaform.plan.dangers.other_intakes import api_listeners_changed, pickup_lost
from pmtaform.plan.dangers.pools import pools_narrowed
from pmtaform.plan.dangers.processors import processors_narrowed
from pmtaform.plan.dangers.recipients import recipients_opened, recipients_refused
from pmtaform.plan.dangers.records import logs_lost, records_lost
from pmtaform.plan.dangers.reroutes import fallback_changed, names_dead, reroutes_changed
from pmtaform.plan.dangers.resolvers import resolvers_changed
from pmtaform.plan.dangers.rewriting import addresses_rewritten
from pmtaform.plan.dangers.selection import selection_changed
from pmtaform.plan.dangers.server_limits import server_limits_raised
from pmtaform.plan.dangers.sides import Sides
from pmtaform.plan.dangers.signing import signing_changed
from pmtaform.plan.dangers.submission_cut_off import submission_cut_off
from pmtaform.plan.dangers.submission_opened import submission_opened
from pmtaform.plan.dangers.suppression import suppressions_changed
from pmtaform.plan.dangers.tls import tls_changed
from pmtaform.plan.dangers.tls_inbound import inbound_tls_changed
from pmtaform.plan.dangers.unseen import contents_unseen
from pmtaform.plan.model import Danger, HostPlan

CHECKS: Final[tuple[Check, ...]] = (
    limits_raised,
    queues_parted,
    rollups_left,
    retries_woken,
    server_limits_raised,
    backoff_lost,
    virtual_mtas_gone,
    addresses_lost,
    shares_raised,
    pools_narrowed,
    selection_changed,
    destinations_changed,
    reroutes_changed,
    fallback_changed,
    names_dead,
    addresses_rewritten,
    resolvers_changed,
    mail_bounced,
    bounce_rules_widened,
    mail_not_kept,
    suppressions_changed,
    copies_changed,
    records_lost,
    logs_lost,
    categories_lost,
    processors_narrowed,
    contents_unseen,
    signing_changed,
    submission_opened,
    submission_cut_off,
    accounts_cut_off,
    api_listeners_changed,
    pickup_lost,
    capacity_lost,
    mail_refused,
    recipients_opened,
    recipients_refused,
    access_changed,
    tls_changed,
    inbound_tls_changed,
    ciphers_weakened,
)

__all__ = ["CHECKS", "CODES", "CONSENTS", "Check", "Finding", "Sides", "find_dangers", "with_dangers"]


def find_dangers(
    before: Configuration,
    after: Configuration,
    rate_factor: float = 3.0,
    defaults: Configuration | None = None,
    verified: Collection[tuple[str, str]] = (),
) -> tuple[Finding, ...]:
    """The dangers of going from one configuration to another, worst first.

    `rate_factor`: how many times more a limit may allow before that is a danger. `defaults`: the vendor's
    config-defaults, where it is known. `verified`: (selector, domain) pairs whose records are known to be in DNS, as
    long as they have to be.
    """
    order = {code: number for number, code in enumerate(CODES)}
    with gc_paused():
        sides = Sides(before, after, rate_factor, defaults, verified)
        findings = dict.fromkeys(finding for check in CHECKS for finding in check(sides))
    return tuple(sorted(findings, key=lambda finding: (order[finding.code], -finding.weight)))


def with_dangers(plan: HostPlan, findings: Iterable[Finding]) -> HostPlan:
    """The plan with each finding at the change that causes it; at the host where no change of the plan does."""
    by_address: dict[str, list[Danger]] = {}
    own: list[Danger] = []
    planned = {change.address for change in plan.changes}
    for finding in findings:
        address = str(finding.cause)
        dangers = by_address.setdefault(address, []) if finding.cause and address in planned else own
        dangers.append(Danger(finding.code, finding.detail, finding.weight))
    changes = tuple(
        replace(change, dangers=(*change.dangers, *by_address[change.address]))
        if change.address in by_address
        else change
        for change in plan.changes
    )
    return replace(plan, changes=changes, dangers=(*plan.dangers, *own))
