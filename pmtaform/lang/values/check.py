"""What is wrong with a value, in one sentence.

Only what the guides rule out is called wrong. Where they are silent (the case of `yes`, whether a limit may be
`unlimited`), the value passes.
"""

from __future__ import annotations

from collections.abc import Callable

from pmtaform.lang.catalogue import DirectiveSpec
from pmtaform.lang.values.common import form
from pmtaform.lang.values.lines import (
    check_acl,
    check_alias,
    check_days,
    check_domain,
    check_domain_key,
    check_hosts,
    check_identity,
    check_listener,
    check_macro,
    check_map,
    check_mx_limit,
    check_networks_value,
    check_pair,
    check_proxy_client,
    check_proxy_server,
    check_proxy_source,
    check_record_fields,
    check_records,
    check_rewrite,
    check_source_host,
)
from pmtaform.lang.values.rules import (
    check_category,
    check_filter,
    check_mx,
    check_pattern_rule,
    check_reply,
    check_result,
)
from pmtaform.lang.values.show import shown
from pmtaform.lang.values.single import (
    check_bool,
    check_bool_or_duration,
    check_duration,
    check_duration_list,
    check_duration_or_never,
    check_email,
    check_email_or_regex,
    check_emails,
    check_enum,
    check_include,
    check_int,
    check_ip,
    check_list,
    check_one_word,
    check_path,
    check_path_and_secret,
    check_privacy,
    check_rate,
    check_secret,
    check_size,
    check_url,
    check_volume_rate,
)
from pmtaform.lang.values.text import BLANKS, EMPTY, balanced

Check = Callable[[DirectiveSpec, str], str | None]


def problem(spec: DirectiveSpec, value: str) -> str | None:
    """What is wrong with this value of this directive and what would be right; None when nothing is known to be."""
    text = value.strip(BLANKS)
    if not text:
        return f"{spec.name} has no value; it needs {form(spec)}."
    if text == EMPTY:
        return _emptied(spec)
    if text == "=" or text.startswith("= "):
        return f"PowerMTA has no equals sign between a name and its value; write {spec.name} and the value."
    if "<!--" in text and spec.sensitive is None:
        return "<!-- --> is no comment but part of the value; a comment starts with #."
    check = _BY_NAME.get((spec.name, spec.scopes[0] if spec.scopes else "")) or _BY_TYPE.get(spec.type)
    if spec.type not in _RAW and not balanced(text):
        return "A double quote is opened and not closed."
    text_problem = check(spec, text) if check else None
    return text_problem and shown(text_problem)


def _emptied(spec: DirectiveSpec) -> str | None:
    if spec.clearable or "string" in spec.types or spec.type == "template":
        return None
    return f'{spec.name} cannot be emptied with ""; it accepts {form(spec)}. To unset it, remove the line.'


_RAW = frozenset({"secret", "rule", "email|regex", "string", "template", "list", "enum+secret"})

_BY_TYPE: dict[str, Check] = {
    "acl": check_acl,
    "address-map": check_alias,
    "bool": check_bool,
    "bool|duration": check_bool_or_duration,
    "bool|enum": check_enum,
    "cidr-int": check_networks_value,
    "cidr-rate": check_networks_value,
    "day-rate-list": check_days,
    "domain": check_domain,
    "domain-key": check_domain_key,
    "domain-pattern": check_domain,
    "duration": check_duration,
    "duration-list": check_duration_list,
    "duration-or-never": check_duration_or_never,
    "email": check_email,
    "email-list": check_emails,
    "email|regex": check_email_or_regex,
    "enum": check_enum,
    "enum+secret": check_privacy,
    "host-list": check_hosts,
    "hostname": check_domain,
    "include": check_include,
    "int": check_int,
    "int|enum": lambda spec, text: check_enum(spec, text) and check_int(spec, text),
    "ip": check_ip,
    "ip-limit": check_networks_value,
    "list": check_list,
    "listener": check_listener,
    "macro": check_macro,
    "map": check_map,
    "mx-limit": check_mx_limit,
    "name-ref": check_one_word,
    "path": check_path,
    "path+secret": check_path_and_secret,
    "path-pair": check_pair,
    "path-template": check_one_word,
    "proxy-source-host": check_proxy_source,
    "rate": check_rate,
    "record-fields": check_record_fields,
    "secret": check_secret,
    "signals": check_list,
    "size": check_size,
    "source-host": check_source_host,
    "string|enum": check_identity,
    "url": check_url,
    "volume-rate": check_volume_rate,
}

# Where one type covers lines of different forms, told apart by name and section.
_BY_NAME: dict[tuple[str, str], Check] = {
    ("server", "proxy"): check_proxy_server,
    ("client", "proxy"): check_proxy_client,
    ("records", "acct-file"): check_records,
    ("disable-acct-records", "domain"): check_records,
    ("header", "pattern-list"): check_pattern_rule,
    ("mail-from", "pattern-list"): check_pattern_rule,
    ("rcpt-to", "pattern-list"): check_pattern_rule,
    ("*", "pattern-list"): check_result,
    ("reply", "smtp-pattern-list"): check_reply,
    ("/REGEX/", "bounce-category-patterns"): check_category,
    ("mx", "mx-rollup-list"): check_mx,
    ("from-domain", "rewrite-list"): check_pair,
    ("mail-from", "rewrite-list"): check_rewrite,
    ("sender-or-from", "signals-filter"): check_filter,
}
