"""Every lint rule by its code, ours and those of plug-ins, and their listing.

Add a rule: declare it beside its check in a module of this package, and add a line here.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final

from pmtaform.lang.lint.model import Family, Rule
from pmtaform.registry import PlugIn, Registry, plug_ins

GROUP: Final = "pmtaform.lint_rules"
_OWN: Final = {
    "xml-comment": "pmtaform.lang.lint.syntax:xml_comment",
    "malformed-tag": "pmtaform.lang.lint.syntax:malformed_tag",
    "stray-closing-tag": "pmtaform.lang.lint.syntax:stray_closing_tag",
    "unclosed-section": "pmtaform.lang.lint.syntax:unclosed_section",
    "equals-sign": "pmtaform.lang.lint.syntax:equals_sign",
    "line-continuation": "pmtaform.lang.lint.syntax:line_continuation",
    "broken-regex": "pmtaform.lang.lint.syntax:broken_regex",
    "not-utf8": "pmtaform.lang.lint.hidden:not_utf8",
    "odd-blank": "pmtaform.lang.lint.hidden:odd_blank",
    "control-character": "pmtaform.lang.lint.hidden:control_character",
    "byte-order-mark": "pmtaform.lang.lint.hidden:byte_order_mark",
    "missing-include": "pmtaform.lang.lint.include_files:missing_include",
    "include-not-read": "pmtaform.lang.lint.syntax:include_not_read",
    "include-loop": "pmtaform.lang.lint.include_files:include_loop",
    "relative-include": "pmtaform.lang.lint.include_files:relative_include",
    "tag-on-directive-line": "pmtaform.lang.lint.tags:tag_on_directive_line",
    "brace": "pmtaform.lang.lint.blocks:brace",
    "section-without-tags": "pmtaform.lang.lint.blocks:section_without_tags",
    "other-kind-of-list": "pmtaform.lang.lint.blocks:other_kind_of_list",
    "invented-directive": "pmtaform.lang.lint.unknown:invented_directive",
    "unknown-directive": "pmtaform.lang.lint.unknown:unknown_directive",
    "impossible-directive": "pmtaform.lang.lint.not_directives:impossible_directive",
    "misplaced-directive": "pmtaform.lang.lint.unknown:misplaced_directive",
    "rule-form": "pmtaform.lang.lint.not_directives:rule_form",
    "undocumented-directive": "pmtaform.lang.lint.unknown:undocumented_directive",
    "invented-section": "pmtaform.lang.lint.sections:invented_section",
    "unknown-section": "pmtaform.lang.lint.sections:unknown_section",
    "deprecated-section": "pmtaform.lang.lint.sections:deprecated_section",
    "misplaced-section": "pmtaform.lang.lint.sections:misplaced_section",
    "other-language": "pmtaform.lang.lint.foreign:other_language",
    "placeholder": "pmtaform.lang.lint.foreign:placeholder",
    "placeholder-value": "pmtaform.lang.lint.placeholders:placeholder_value",
    "bad-value": "pmtaform.lang.lint.shapes:bad_value",
    "missing-value": "pmtaform.lang.lint.shapes:missing_value",
    "bad-argument": "pmtaform.lang.lint.lines:bad_argument",
    "bad-boolean": "pmtaform.lang.lint.shapes:bad_boolean",
    "rate-unit": "pmtaform.lang.lint.shapes:rate_unit",
    "rate-unit-case": "pmtaform.lang.lint.shapes:rate_unit_case",
    "regex-flag": "pmtaform.lang.lint.shapes:regex_flag",
    "bare-address": "pmtaform.lang.lint.shapes:bare_address",
    "rollup-name": "pmtaform.lang.lint.shapes:rollup_name",
    "domain-key-fields": "pmtaform.lang.lint.shapes:domain_key_fields",
    "removed-form": "pmtaform.lang.lint.shapes:removed_form",
    "weak-api-key": "pmtaform.lang.lint.shapes:weak_api_key",
    "hash-in-value": "pmtaform.lang.lint.lines:hash_in_value",
    "two-rules-on-a-line": "pmtaform.lang.lint.lines:two_rules_on_a_line",
    "repeated-directive": "pmtaform.lang.lint.duplicates:repeated_directive",
    "duplicate-line": "pmtaform.lang.lint.duplicates:duplicate_line",
    "listed-twice": "pmtaform.lang.lint.duplicates:listed_twice",
    "repeated-section": "pmtaform.lang.lint.duplicates:repeated_section",
    "exclusive-directives": "pmtaform.lang.lint.duplicates:exclusive_directives",
    "mixed-spool-forms": "pmtaform.lang.lint.duplicates:mixed_spool_forms",
    "undefined-virtual-mta": "pmtaform.lang.lint.dangling:undefined_virtual_mta",
    "undefined-pattern-list": "pmtaform.lang.lint.dangling:undefined_pattern_list",
    "undefined-smtp-pattern-list": "pmtaform.lang.lint.dangling:undefined_smtp_pattern_list",
    "undefined-source": "pmtaform.lang.lint.dangling:undefined_source",
    "undefined-source-group": "pmtaform.lang.lint.dangling:undefined_source_group",
    "undefined-address-list": "pmtaform.lang.lint.dangling:undefined_address_list",
    "undefined-rewrite-list": "pmtaform.lang.lint.dangling:undefined_rewrite_list",
    "undefined-signals-filter": "pmtaform.lang.lint.dangling:undefined_signals_filter",
    "undefined-proxy": "pmtaform.lang.lint.dangling:undefined_proxy",
    "undefined-macro": "pmtaform.lang.lint.queues:undefined_macro",
    "undefined-queue": "pmtaform.lang.lint.queues:undefined_queue",
    "name-differs-in-case": "pmtaform.lang.lint.unused:name_differs_in_case",
    "unused-definition": "pmtaform.lang.lint.unused:unused_definition",
    "missing-key-file": "pmtaform.lang.lint.unused:missing_key_file",
    "pattern-list-after-source": "pmtaform.lang.lint.order:pattern_list_after_source",
    "macro-after-use": "pmtaform.lang.lint.order:macro_after_use",
    "macro-loop": "pmtaform.lang.lint.order:macro_loop",
    "unreachable-rule": "pmtaform.lang.lint.order:unreachable_rule",
    "shadowed-rule": "pmtaform.lang.lint.order:shadowed_rule",
    "unreachable-http-access": "pmtaform.lang.lint.filters:unreachable_http_access",
    "unreachable-queue-filter": "pmtaform.lang.lint.filters:unreachable_queue_filter",
    "queue-filter-matches-nothing": "pmtaform.lang.lint.filters:queue_filter_matches_nothing",
    "catch-all-reply": "pmtaform.lang.lint.patterns:catch_all_reply",
    "glob-in-regex": "pmtaform.lang.lint.patterns:glob_in_regex",
    "invalid-regex": "pmtaform.lang.lint.patterns:invalid_regex",
    "unescaped-dot": "pmtaform.lang.lint.patterns:unescaped_dot",
    "unknown-users-slow-a-queue": "pmtaform.lang.lint.replies:unknown_users_slow_a_queue",
    "brackets-in-regex": "pmtaform.lang.lint.escapes:brackets_in_regex",
    "bounce-rcpt-on-5xx": "pmtaform.lang.lint.replies:bounce_rcpt_on_5xx",
    "words-above-codes": "pmtaform.lang.lint.replies:words_above_codes",
    "unescaped-slash": "pmtaform.lang.lint.escapes:unescaped_slash",
    "unescaped-quote": "pmtaform.lang.lint.escapes:unescaped_quote",
    "macro-item": "pmtaform.lang.lint.macros:macro_item",
    "open-relay": "pmtaform.lang.lint.relay:open_relay",
    "open-relay-listener": "pmtaform.lang.lint.relay:open_relay_listener",
    "open-relay-recipients": "pmtaform.lang.lint.relay:open_relay_recipients",
    "relay-behind-auth": "pmtaform.lang.lint.relay:relay_behind_auth",
    "relay-wide-network": "pmtaform.lang.lint.relay:relay_wide_network",
    "plain-auth-for-everyone": "pmtaform.lang.lint.strangers:plain_auth_for_everyone",
    "dkim-keys-from-everyone": "pmtaform.lang.lint.strangers:dkim_keys_from_everyone",
    "virtual-mta-from-everyone": "pmtaform.lang.lint.strangers:virtual_mta_from_everyone",
    "listener-everywhere": "pmtaform.lang.lint.strangers:listener_everywhere",
    "dummy-listener-exposed": "pmtaform.lang.lint.strangers:dummy_listener_exposed",
    "reserved-source-name": "pmtaform.lang.lint.strangers:reserved_source_name",
    "users-may-not-relay": "pmtaform.lang.lint.accounts:users_may_not_relay",
    "no-client-may-relay": "pmtaform.lang.lint.accounts:no_client_may_relay",
    "login-without-users": "pmtaform.lang.lint.accounts:login_without_users",
    "user-without-password": "pmtaform.lang.lint.accounts:user_without_password",
    "no-auth-throttle": "pmtaform.lang.lint.logins:no_auth_throttle",
    "auth-throttle-without-auth": "pmtaform.lang.lint.logins:auth_throttle_without_auth",
    "auth-contradiction": "pmtaform.lang.lint.logins:auth_contradiction",
    "http-admin-for-everyone": "pmtaform.lang.lint.http:http_admin_for_everyone",
    "http-monitor-for-everyone": "pmtaform.lang.lint.http:http_monitor_for_everyone",
    "http-protection-off": "pmtaform.lang.lint.http:http_protection_off",
    "old-tls": "pmtaform.lang.lint.tls:old_tls",
    "weak-ciphers": "pmtaform.lang.lint.tls:weak_ciphers",
    "plain-auth-to-smarthost": "pmtaform.lang.lint.tls:plain_auth_to_smarthost",
    "starttls-contradiction": "pmtaform.lang.lint.tls:starttls_contradiction",
    "starttls-without-certificate": "pmtaform.lang.lint.tls:starttls_without_certificate",
    "auth-needs-missing-tls": "pmtaform.lang.lint.tls:auth_needs_missing_tls",
    "tls-required-everywhere": "pmtaform.lang.lint.tls:tls_required_everywhere",
    "unverified-certificates": "pmtaform.lang.lint.tls:unverified_certificates",
    "guessable-password": "pmtaform.lang.lint.secrets:guessable_password",
    "plain-text-secret": "pmtaform.lang.lint.secrets:plain_text_secret",
    "secret-file-readable": "pmtaform.lang.lint.secrets:secret_file_readable",
    "world-readable-data": "pmtaform.lang.lint.secrets:world_readable_data",
    "message-content-logged": "pmtaform.lang.lint.secrets:message_content_logged",
    "runs-as-root": "pmtaform.lang.lint.secrets:runs_as_root",
    "runs-as-root-by-default": "pmtaform.lang.lint.secrets:runs_as_root_by_default",
    "dkim-sign-without-key": "pmtaform.lang.lint.dkim:dkim_sign_without_key",
    "key-without-dkim-sign": "pmtaform.lang.lint.dkim:key_without_dkim_sign",
    "key-for-other-domain": "pmtaform.lang.lint.dkim:key_for_other_domain",
    "dkim-options-not-read": "pmtaform.lang.lint.signatures:dkim_options_not_read",
    "unreachable-key": "pmtaform.lang.lint.dkim:unreachable_key",
    "dkim-sha1": "pmtaform.lang.lint.signatures:dkim_sha1",
    "dkim-body-limit": "pmtaform.lang.lint.signatures:dkim_body_limit",
    "private-key-sent": "pmtaform.lang.lint.signatures:private_key_sent",
    "backoff-never-starts": "pmtaform.lang.lint.backoff:backoff_never_starts",
    "backoff-never-ends": "pmtaform.lang.lint.backoff:backoff_never_ends",
    "backoff-faster": "pmtaform.lang.lint.backoff_rates:backoff_faster",
    "backoff-retries-sooner": "pmtaform.lang.lint.backoff_rates:backoff_retries_sooner",
    "source-never-enabled": "pmtaform.lang.lint.backoff:source_never_enabled",
    "implausible-rate": "pmtaform.lang.lint.rates:implausible_rate",
    "no-op-limit": "pmtaform.lang.lint.rates:no_op_limit",
    "zero-rate": "pmtaform.lang.lint.rates:zero_rate",
    "short-retry": "pmtaform.lang.lint.retries:short_retry",
    "retry-after-bounce": "pmtaform.lang.lint.retries:retry_after_bounce",
    "limit-above-total": "pmtaform.lang.lint.retries:limit_above_total",
    "total-above-advice": "pmtaform.lang.lint.retries:total_above_advice",
    "many-suppression-patterns": "pmtaform.lang.lint.rates:many_suppression_patterns",
    "short-send-timeout": "pmtaform.lang.lint.retries:short_send_timeout",
    "equals-default": "pmtaform.lang.lint.rates:equals_default",
    "alias": "pmtaform.lang.lint.rates:alias",
    "address-used-twice": "pmtaform.lang.lint.vmtas:address_used_twice",
    "pool-named-as-virtual-mta": "pmtaform.lang.lint.vmtas:pool_named_as_virtual_mta",
    "virtual-mta-in-two-pools": "pmtaform.lang.lint.vmtas:virtual_mta_in_two_pools",
    "empty-pool": "pmtaform.lang.lint.vmtas:empty_pool",
    "cold-limit-without-cold-virtual-mta": "pmtaform.lang.lint.warm_up:cold_limit_without_cold_virtual_mta",
    "cold-virtual-mta-unused": "pmtaform.lang.lint.warm_up:cold_virtual_mta_unused",
    "rollup-without-hosts": "pmtaform.lang.lint.warm_up:rollup_without_hosts",
    "unqualified-ehlo-name": "pmtaform.lang.lint.vmtas:unqualified_ehlo_name",
    "spf-check-without-source-host": "pmtaform.lang.lint.warm_up:spf_check_without_source_host",
    "reroute-loop": "pmtaform.lang.lint.routes:reroute_loop",
    "required-setting": "pmtaform.lang.lint.dependent:required_setting",
    "setting-without-effect": "pmtaform.lang.lint.dependent:setting_without_effect",
    "no-log-file": "pmtaform.lang.lint.complete:no_log_file",
    "no-spool": "pmtaform.lang.lint.complete:no_spool",
    "no-postmaster": "pmtaform.lang.lint.complete:no_postmaster",
    "no-listener": "pmtaform.lang.lint.complete:no_listener",
    "wrong-path": "pmtaform.lang.lint.machine:wrong_path",
    "vendor-file": "pmtaform.lang.lint.machine:vendor_file",
    "unreadable-key": "pmtaform.lang.lint.machine:unreadable_key",
    "complaints-not-recorded": "pmtaform.lang.lint.complete:complaints_not_recorded",
    "processor-mail-refused": "pmtaform.lang.lint.complete:processor_mail_refused",
    "move-interval-without-move-to": "pmtaform.lang.lint.machine:move_interval_without_move_to",
    "delete-after-with-move-to": "pmtaform.lang.lint.machine:delete_after_with_move_to",
    "delivery-assumed": "pmtaform.lang.lint.machine:delivery_assumed",
    "mail-not-synced": "pmtaform.lang.lint.machine:mail_not_synced",
    "deprecated-directive": "pmtaform.lang.lint.versions:deprecated_directive",
    "legacy-directive": "pmtaform.lang.lint.versions:legacy_directive",
    "removed-directive": "pmtaform.lang.lint.versions:removed_directive",
    "not-in-version": "pmtaform.lang.lint.versions:not_in_version",
    "suppression-without-reason": "pmtaform.lang.lint.suppress:suppression_without_reason",
    "unknown-suppression": "pmtaform.lang.lint.suppress:unknown_suppression",
    "unused-suppression": "pmtaform.lang.lint.suppress:unused_suppression",
}
REGISTRY: Final[Registry[Rule]] = Registry(GROUP, noun="lint rule", kind="pmtaform.lang.lint.model:Rule", own=_OWN)


def rules() -> Mapping[str, Rule]:
    """Every rule by its code. Raises `PlugInBroken`."""
    return _rules(plug_ins(GROUP))


@lru_cache(maxsize=2)
def _rules(_: tuple[PlugIn, ...]) -> Mapping[str, Rule]:
    """The rules. A plug-in's rule has the name of its entry point."""
    return {name: rule if rule.code == name else replace(rule, code=name) for name, rule in REGISTRY.all()}


def families() -> Mapping[Family, tuple[Rule, ...]]:
    """The rules by family."""
    by_family: dict[Family, tuple[Rule, ...]] = {}
    for family in Family:
        members = tuple(rule for rule in rules().values() if rule.family is family)
        if members:
            by_family[family] = members
    return by_family


def rules_text(width: int = 100) -> str:
    """The rules by family: code, severity, what is found, why it matters, and where the fact is from."""
    lines: list[str] = []
    for family, members in families().items():
        lines += [family.value, ""]
        for rule in members:
            tags = [rule.severity.value]
            tags += [word for word, is_set in (("security", rule.security), ("only by name", rule.optional)) if is_set]
            lines.append(f"  {rule.code} ({', '.join(tags)}): {rule.summary}")
            for text in (rule.explanation, f"Basis: {rule.basis}"):
                lines += textwrap.wrap(text, width, initial_indent="      ", subsequent_indent="      ")
        lines.append("")
    return "\n".join(lines)
