"""Every check of the effect, ours and those of plug-ins, and every kind of danger.

Add a danger: declare its kind and its check in a module of this package, and add a line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from pmtaform.plan.dangers.finding import DangerCheck
from pmtaform.plan.dangers.kind import DangerKind
from pmtaform.plan.dangers.kinds import KINDS, RUN_KINDS
from pmtaform.registry import PlugIn, Registry, plug_ins

GROUP: Final = "pmtaform.dangers"
_OWN: Final = {
    "limits-raised": "pmtaform.plan.dangers.limits:limits_raised",
    "queues-parted": "pmtaform.plan.dangers.limits:queues_parted",
    "rollups-left": "pmtaform.plan.dangers.limits:rollups_left",
    "retries-woken": "pmtaform.plan.dangers.limits:retries_woken",
    "server-limits-raised": "pmtaform.plan.dangers.server_limits:server_limits_raised",
    "backoff-lost": "pmtaform.plan.dangers.backoff:backoff_lost",
    "virtual-mtas-gone": "pmtaform.plan.dangers.addresses:virtual_mtas_gone",
    "addresses-lost": "pmtaform.plan.dangers.addresses:addresses_lost",
    "shares-raised": "pmtaform.plan.dangers.addresses:shares_raised",
    "pools-narrowed": "pmtaform.plan.dangers.pools:pools_narrowed",
    "selection-changed": "pmtaform.plan.dangers.selection:selection_changed",
    "destinations-changed": "pmtaform.plan.dangers.destinations:destinations_changed",
    "reroutes-changed": "pmtaform.plan.dangers.reroutes:reroutes_changed",
    "fallback-changed": "pmtaform.plan.dangers.reroutes:fallback_changed",
    "names-dead": "pmtaform.plan.dangers.reroutes:names_dead",
    "addresses-rewritten": "pmtaform.plan.dangers.rewriting:addresses_rewritten",
    "resolvers-changed": "pmtaform.plan.dangers.resolvers:resolvers_changed",
    "mail-bounced": "pmtaform.plan.dangers.loss:mail_bounced",
    "bounce-rules-widened": "pmtaform.plan.dangers.bounce_rules:bounce_rules_widened",
    "mail-not-kept": "pmtaform.plan.dangers.spooling:mail_not_kept",
    "suppressions-changed": "pmtaform.plan.dangers.suppression:suppressions_changed",
    "copies-changed": "pmtaform.plan.dangers.copies:copies_changed",
    "records-lost": "pmtaform.plan.dangers.records:records_lost",
    "logs-lost": "pmtaform.plan.dangers.records:logs_lost",
    "categories-lost": "pmtaform.plan.dangers.categories:categories_lost",
    "processors-narrowed": "pmtaform.plan.dangers.processors:processors_narrowed",
    "contents-unseen": "pmtaform.plan.dangers.unseen:contents_unseen",
    "signing-changed": "pmtaform.plan.dangers.signing:signing_changed",
    "submission-opened": "pmtaform.plan.dangers.submission_opened:submission_opened",
    "submission-cut-off": "pmtaform.plan.dangers.submission_cut_off:submission_cut_off",
    "accounts-cut-off": "pmtaform.plan.dangers.accounts:accounts_cut_off",
    "api-listeners-changed": "pmtaform.plan.dangers.other_intakes:api_listeners_changed",
    "pickup-lost": "pmtaform.plan.dangers.other_intakes:pickup_lost",
    "capacity-lost": "pmtaform.plan.dangers.capacity:capacity_lost",
    "mail-refused": "pmtaform.plan.dangers.acceptance:mail_refused",
    "recipients-opened": "pmtaform.plan.dangers.recipients:recipients_opened",
    "recipients-refused": "pmtaform.plan.dangers.recipients:recipients_refused",
    "access-changed": "pmtaform.plan.dangers.access:access_changed",
    "tls-changed": "pmtaform.plan.dangers.tls:tls_changed",
    "inbound-tls-changed": "pmtaform.plan.dangers.tls_inbound:inbound_tls_changed",
    "ciphers-weakened": "pmtaform.plan.dangers.ciphers:ciphers_weakened",
}
CHECKS: Final[Registry[DangerCheck]] = Registry(
    GROUP, noun="danger", kind="pmtaform.plan.dangers.finding:DangerCheck", own=_OWN
)


def checks() -> tuple[DangerCheck, ...]:
    """Every check of the effect. Raises `PlugInBroken`."""
    return _checks(plug_ins(GROUP))


def danger_kinds() -> Mapping[str, DangerKind]:
    """Every kind of danger of a plan by its code, worst first. Raises `PlugInBroken`."""
    return _kinds(checks())


def consent_kinds() -> Mapping[str, DangerKind]:
    """Every kind that needs consent by its code: those of plans, then those that are found when hosts are changed."""
    return {**danger_kinds(), **{kind.code: kind for kind in RUN_KINDS}}


@lru_cache(maxsize=2)
def _checks(_: tuple[PlugIn, ...]) -> tuple[DangerCheck, ...]:
    return tuple(check for _, check in CHECKS.all())


@lru_cache(maxsize=2)
def _kinds(own: tuple[DangerCheck, ...]) -> Mapping[str, DangerKind]:
    kinds = {kind.code: kind for kind in (*KINDS, *(kind for check in own for kind in check.kinds))}
    return dict(sorted(kinds.items(), key=lambda item: item[1].rank))
