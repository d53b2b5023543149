"""Checks of values of several fields: networks, hosts, listeners, keys, macros, records."""

from __future__ import annotations

import re

from pmtaform.lang.catalogue import DirectiveSpec
from pmtaform.lang.values.common import DIGITS, cited, first, form, gap, list_item, one_of, wrong
from pmtaform.lang.values.normal import RECORD_TYPES
from pmtaform.lang.values.numbers import parse_address, parse_cidr
from pmtaform.lang.values.show import looks_like_key
from pmtaform.lang.values.single import check_int, check_one_word, check_rate, check_volume_rate
from pmtaform.lang.values.text import split, squeezed, unquoted, words

_RECORDS = frozenset({*RECORD_TYPES, *RECORD_TYPES.values()})
_MACRO_NAME = re.compile(r"[A-Za-z0-9_]+")


def check_records(spec: DirectiveSpec, text: str) -> str | None:
    """Record types, short or long, separated by commas."""
    for item in split(unquoted(text)):
        if item.lower() in _RECORDS:
            continue
        if not item:
            return gap(spec)
        if all(word.lower() in _RECORDS for word in words(item)):
            return f"{cited(item)}: the items of {spec.name} are separated by commas; write {','.join(words(item))}."
        return f"{cited(item)} is not a record type: they are d, b, t, tq, r, f, rb and rs, or their long names."
    return None


def domain_problem(text: str) -> str | None:
    """Return what is wrong with a domain pattern: `*`, `name`, `*.name`, `[*.]name`, `[CIDR]`.

    Basis: docs/powermta/language.md section 2.
    """
    text = unquoted(text)
    if "@" in text:
        return f"{cited(text)} is a mail address where a domain is wanted; write {cited(text.rpartition('@')[2])}."
    if text.startswith("[") and text.endswith("]"):
        return (
            None
            if parse_cidr(text[1:-1]) or "$" in text
            else f"{cited(text)} is not a domain literal such as [192.0.2.1]."
        )
    bare = text.removeprefix("[*.]").removeprefix("*.")
    if "*" in bare and text != "*":
        return (
            f"{cited(text)} is not a domain pattern: a star is alone or before the name, as in *.example.com or "
            "[*.]example.com; for several endings use a domain-macro."
        )
    if ".." in bare or bare.startswith("."):
        return f"{cited(text)} has an empty part between its dots, so it matches no domain."
    if re.search(r"[/ \t,;<>]", bare):
        return f"{cited(text)} is not a domain pattern: it is *, a name, *.name, [*.]name or a name with a $macro."
    return None


def check_domain(spec: DirectiveSpec, text: str) -> str | None:
    """One domain pattern or queue name."""
    return check_one_word(spec, text) or domain_problem(text)


def check_identity(spec: DirectiveSpec, text: str) -> str | None:
    """An address, a domain or a keyword: one word."""
    return check_one_word(spec, text)


def check_networks_value(spec: DirectiveSpec, text: str) -> str | None:
    """`CIDR VALUE`: a number or a rate for one network."""
    network, *rest = words(text)
    if parse_cidr(network) is None:
        return f"{cited(network)} is not an IP address or network; {spec.name} accepts {form(spec)}."
    if len(rest) != 1:
        return f"{spec.name} accepts {form(spec)}."
    if spec.type != "cidr-rate":
        return check_int(spec, rest[0])
    return check_volume_rate(spec, rest[0]) if "[b|k" in (spec.format or "") else check_rate(spec, rest[0])


def check_mx_limit(spec: DirectiveSpec, text: str) -> str | None:
    """`MX-PATTERN N`."""
    parts = words(text)
    return check_int(spec, parts[1]) if len(parts) == 2 else f"{spec.name} accepts {form(spec)}."


def check_acl(spec: DirectiveSpec, text: str) -> str | None:
    """`CIDR LEVEL` (guide 3.3.1.36.3)."""
    network, *rest = words(text)
    if parse_cidr(network) is None and looks_like_key(network):
        return (
            f"{spec.name} accepts a network, and this looks like a key. A key for programs is `http-api-key KEY` (32 "
            "to 128 letters, digits and underscores), which lets them administer the server."
        )
    if parse_cidr(network) is None:
        return f"{cited(network)} is not an IP address or network; {spec.name} is one and a level: 127.0.0.1 monitor."
    level = ",".join(split("".join(rest)))
    if level.lower() in spec.enum:
        return None
    if not level:
        return f"{spec.name} {network} has no level; it is one of {one_of(spec.enum)}."
    return f"{cited(level)} is not a level of {spec.name}: it is {one_of(spec.enum)}."


def check_source_host(spec: DirectiveSpec, text: str) -> str | None:
    """`ADDRESS HOSTNAME`, in this order (guide 3.3.1.16)."""
    parts = words(text)
    if parse_cidr(parts[0]) is None:
        if len(parts) == 2 and parse_cidr(parts[1]):
            return f"The address comes first; write {spec.name} {parts[1]} {parts[0]}."
        return f"{cited(parts[0])} is not an IP address or network; {spec.name} accepts one and then a host name."
    if len(parts) == 1:
        return f"{spec.name} needs the host name for EHLO after the address."
    if parse_cidr(parts[1]):
        return (
            f"After the address comes a host name, not {cited(parts[1])}; write one {spec.name} line for each address."
        )
    if len(parts) > 2:
        return f"{spec.name} accepts one address and one host name, nothing more."
    return None


def _endpoint(text: str) -> bool:
    host, colon, port = text.rpartition(":")
    return bool(colon and host) and _is_port(port)


def _is_port(text: str) -> bool:
    return DIGITS.fullmatch(text) is not None and int(text) <= 65535


def check_proxy_server(spec: DirectiveSpec, text: str) -> str | None:
    """`HOST:PORT`."""
    return None if len(words(text)) == 1 and _endpoint(unquoted(text)) else wrong(spec, text)


def check_proxy_client(spec: DirectiveSpec, text: str) -> str | None:
    """`IP[:PORT] HOSTNAME`."""
    return None if len(words(text)) == 2 and _is_client(words(text)[0]) else f"{spec.name} accepts IP[:PORT] HOSTNAME."


def _is_client(text: str) -> bool:
    return parse_address(text) is not None or _endpoint(text)


def check_proxy_source(spec: DirectiveSpec, text: str) -> str | None:
    """`ADDRESS SERVER:PORT CLIENT-IP[:PORT] HOSTNAME`."""
    parts = words(text)
    right = len(parts) == 4 and parse_cidr(parts[0]) and _endpoint(parts[1]) and _is_client(parts[2])
    return None if right else f"{spec.name} accepts the form {spec.format}."


def listener_problem(text: str) -> str | None:
    """What is wrong with `ADDRESS:PORT`, the address an IP or a CIDR."""
    text = unquoted(text)
    address, colon, port = text.rpartition(":")
    if not colon or (parse_cidr(text) and not parse_cidr(address.strip("[]"))):
        return f"{cited(text)} has no port; write {cited(text + ':25')} or the intended port."
    if parse_cidr(address.strip("[]")) is None:
        return f"{cited(address)} is not an IP address or network; a listener is ADDRESS:PORT, such as 0/0:25."
    return None if _is_port(port) else f"{cited(port)} is not a port; a listener is ADDRESS:PORT, such as 192.0.2.1:25."


def check_listener(spec: DirectiveSpec, text: str) -> str | None:
    """`ADDRESS:PORT [source=NAME]` (guide 3.3.1.20)."""
    address, *rest = words(text)
    if any(not word.startswith("source=") for word in rest) or len(rest) > 1:
        return f"{cited(' '.join(rest))} cannot follow the address; {spec.name} accepts ADDRESS:PORT [source=NAME]."
    return listener_problem(address)


def check_domain_key(spec: DirectiveSpec, text: str) -> str | None:
    """`SELECTOR,DOMAIN,FILE`: three fields without names."""
    fields = split(text)
    right = "selector, domain (or *) and key file, such as sel1,example.com,/etc/pmta/sel1.example.com.pem"
    if len(fields) != 3 or not all(fields):
        return f"{spec.name} has exactly three fields, {right}; here are {len(fields)}."
    if "=" in fields[0]:
        return f"The fields of {spec.name} have no names; they are {right}."
    if len(words(fields[0])) > 1 or len(words(fields[1])) > 1:
        return f"{spec.name} has blanks inside a field; the fields are {right}."
    return None


def check_macro(spec: DirectiveSpec, text: str) -> str | None:
    """`NAME a, b, c` on one line."""
    name, *rest = squeezed(text).split(" ", 1)
    if _MACRO_NAME.fullmatch(name) is None:
        return f"{cited(name)} is not a name for a macro: letters, digits and underscores only."
    if not rest:
        return f"The macro {name} has no domains; they are on the same line, {spec.name} {name} a.example, b.example."
    return first(list_item(spec, item) for item in split(rest[0]))


def check_pair(spec: DirectiveSpec, text: str) -> str | None:
    """Two words."""
    return None if len(words(text)) == 2 else f"{spec.name} accepts {form(spec)}; a path with blanks is quoted."


def check_rewrite(spec: DirectiveSpec, text: str) -> str | None:
    """`SOURCE TARGET` of envelope senders (guide 3.3.18.1)."""
    if wrong := check_pair(spec, text):
        return wrong
    source, target = words(text)
    if not target.isascii():
        return f"{cited(target)} is not a target: it must be ASCII. Write its domain in the form xn--…."
    if source == "<>" and "*" in target:
        return f"{cited(target)} is not a target for <>: a * has nothing to match. Write an address."
    return None


def check_alias(spec: DirectiveSpec, text: str) -> str | None:
    """`SOURCE TARGET[,TARGET]`."""
    return None if len(words(text)) >= 2 else f"{spec.name} accepts {form(spec)}."


def check_days(spec: DirectiveSpec, text: str) -> str | None:
    """`N/d`, or a list of such."""
    for item in split(unquoted(text)):
        count, _, unit = item.partition("/")
        if not (DIGITS.fullmatch(count) and unit in ("d", "day")):
            return f"{cited(item)} is not a number a day: {spec.name} accepts 50/d, or a list such as 50/d,100/d,200/d."
    return None


def check_hosts(spec: DirectiveSpec, text: str) -> str | None:
    """`h1, h2; h3:2525; [192.0.2.1]:25; lookup-mx:domain` (guide 3.3.10.89)."""
    items = [item for group in split(unquoted(text), ";") for item in split(group)]
    return first(_host(spec, item) for item in items)


def _host(spec: DirectiveSpec, item: str) -> str | None:
    if not item:
        return gap(spec)
    if len(words(item)) > 1:
        return f"{cited(item)} contains blanks; hosts are separated by commas, or by semicolons between preferences."
    host, _, port = item.partition(":") if item.count(":") == 1 else (item, "", "")
    if parse_address(host):
        bracketed = f"[IPv6:{host}]" if ":" in host else f"[{host}]"
        return f"{cited(item)}: an IP address is in brackets; write {bracketed}{':' + port if port else ''}."
    return None


def check_map(spec: DirectiveSpec, text: str) -> str | None:
    """`RECORD-TYPE header_NAME FIELD`."""
    parts = words(text)
    return _record_type(spec, parts[0]) if len(parts) == 3 else f"{spec.name} accepts {form(spec)}."


def check_record_fields(spec: DirectiveSpec, text: str) -> str | None:
    """`RECORD-TYPE FIELD[,FIELD]`."""
    kind, *fields = squeezed(text).split(" ", 1)
    if not fields:
        return f"{spec.name} accepts {form(spec)}."
    return _record_type(spec, kind) or first(None if item else gap(spec) for item in split(fields[0]))


def _record_type(spec: DirectiveSpec, text: str) -> str | None:
    if all(item.lower() in _RECORDS for item in split(text)):
        return None
    return f"{cited(text)} is not a record type. {spec.name} begins with one: d, b, t, tq, r, f, rb, rs or a long name."
