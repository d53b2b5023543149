"""When two spellings of a value are the same: the canonical spelling, for comparison only.

Every normaliser is total and idempotent, and keeps apart what the guides do not say is the same. What
PowerMTA may refuse is kept apart from what it accepts (`YES` from `yes`), so that fixing it is a change.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from pmtaform.lang.catalogue import DirectiveSpec
from pmtaform.lang.values.networks import EVERY_ADDRESS
from pmtaform.lang.values.numbers import (
    TRUTHS,
    parse_address,
    parse_size,
    same_address,
    same_cidr,
    same_duration,
    same_rate,
    same_size,
    same_volume,
)
from pmtaform.lang.values.text import (
    BLANKS,
    balanced,
    lower_address,
    lower_domain,
    rule_parts,
    split,
    squeezed,
    without_idle_quotes,
    words,
)

Normaliser = Callable[[str], str]

RECORD_TYPES = {
    "delivery": "d",
    "bounce": "b",
    "transient": "t",
    "transient-queue": "tq",
    "receipt": "r",
    "feedback-loop": "f",
    "remote-bounce": "rb",
    "remote-status": "rs",
}


def normalise(spec: DirectiveSpec | None, value: str) -> str:
    """The canonical spelling of a directive's value. Two values are the same when theirs are equal.

    `spec` None is a directive that the catalogue does not have: only blanks are evened out. A secret is exact,
    quotes and all, and is not kept in the memory of what was normalised.
    """
    if spec is None:
        return _normal("", "", "", value)
    if spec.sensitive == "value":
        return value.strip(BLANKS)
    if spec.sensitive:
        return squeezed(value)
    return _normal(spec.type, spec.name, spec.scopes[0] if spec.scopes else "", value)


@lru_cache(maxsize=1 << 16)
def _normal(kind: str, name: str, scope: str, value: str) -> str:
    if name == "/REGEX/" and "/" in value and not value.startswith("/"):
        return value.strip(BLANKS)  # the tail of an expression with blanks in it
    special = _BY_NAME.get((kind, name, scope)) or _BY_NAME.get((kind, name, ""))
    return (special or _BY_TYPE.get(kind, _exact))(squeezed(value))


def _exact(text: str) -> str:
    return text


def _bool(text: str) -> str:
    known = TRUTHS.get(text)
    return text if known is None else "true" if known else "false"


def _bool_or_duration(text: str) -> str:
    return _bool(text) if text in TRUTHS else same_duration(text)


def _items(item: Normaliser, separator: str = ",") -> Normaliser:
    def normal(text: str) -> str:
        if not balanced(text):
            return text
        return separator.join(map(item, split(text, separator)))

    return normal


def _columns(*columns: Normaliser) -> Normaliser:
    """Words, one normaliser for each; with another number of words the value stays as it is."""

    def normal(text: str) -> str:
        parts = words(text)
        if len(parts) != len(columns) or not balanced(text):
            return text
        return " ".join(column(word) for column, word in zip(columns, parts, strict=True))

    return normal


def _first_and_rest(first: Normaliser, rest: Normaliser) -> Normaliser:
    def normal(text: str) -> str:
        head, blank, tail = text.partition(" ")
        return first(head) + blank + rest(tail) if blank and '"' not in head else text

    return normal


def _name(text: str) -> str:
    """A name; `"by-smtp-source-ip"` keeps its quotes, for it might be a name where the bare word is none."""
    return text if text.startswith('"by-') else without_idle_quotes(text)


def _domain(text: str) -> str:
    return lower_domain(without_idle_quotes(text))


def pattern(text: str) -> str:
    """A domain pattern; in `[0/0]`, a network of domain literals, the network is spelled in full."""
    text = _domain(text)
    return f"[{same_cidr(text[1:-1])}]" if text[:1] == "[" and text[-1:] == "]" and len(text) > 2 else text


def _address(text: str) -> str:
    return text if text.startswith("/") else lower_address(without_idle_quotes(text))


def _ip(text: str) -> str:
    return parse_address(text) or text


def listener(text: str) -> str:
    """`0/0:25` and `0.0.0.0:25` both mean every local address (guide 3.3.1.20)."""
    head, blank, tail = text.partition(" ")
    address, colon, port = head.rpartition(":")
    if not colon or not port.isdecimal():
        return text
    whole = "0.0.0.0/0" if address == EVERY_ADDRESS else same_address(address)
    return whole + colon + port + blank + tail


def _identity(text: str) -> str:
    """`strict-from` and its kin have neither dot nor at-sign, and stay as written."""
    return lower_address(text) if "@" in text else lower_domain(text) if "." in text else text


def _record_type(text: str) -> str:
    return RECORD_TYPES.get(text, text)


def _headers(text: str) -> str:
    """Names and regular expressions mixed: with an expression among them nothing is touched."""
    return text if "/" in text else _items(_exact)(text)


def _domain_key(text: str) -> str:
    fields = split(text)
    if len(fields) != 3 or not balanced(text):
        return _items(_exact)(text)
    return ",".join((fields[0], lower_domain(fields[1]), without_idle_quotes(fields[2])))


def _hosts(text: str) -> str:
    return ";".join(",".join(map(lower_domain, split(group))) for group in split(text, ";"))


def _action(text: str) -> str:
    key, equals, value = text.partition("=")
    return key + equals + same_duration(value) if key.endswith("-after") else text


def _rule(text: str) -> str:
    """`[word] /regex/ actions`: the expression stays byte for byte."""
    parts = rule_parts(text)
    if parts is None or not parts[2].startswith(" "):
        return text
    before, regex, rest = parts
    return before + regex + " " + _actions(rest)


def _actions(text: str) -> str:
    text = text.strip(BLANKS)
    return text if "<" in text else _items(_action)(text)


def _size(text: str) -> str:
    return text.lower() if parse_size(text) and text[:1].isdecimal() else text


_TWO_ADDRESSES = _columns(_address, _address)
_FIELDS = _first_and_rest(_record_type, _items(_exact))

_BY_TYPE: dict[str, Normaliser] = {
    "acl": _first_and_rest(same_cidr, _items(_exact)),
    "address-map": _first_and_rest(_address, _items(_address)),
    "bool": _bool,
    "bool|duration": _bool_or_duration,
    "bool|enum": _bool,
    "cidr-int": _columns(same_cidr, _exact),
    "cidr-rate": _columns(same_cidr, same_rate),
    "day-rate-list": _items(lambda text: same_rate(text) if text.endswith(("/d", "/day")) else text),
    "domain": _domain,
    "domain-key": _domain_key,
    "domain-pattern": pattern,
    "duration": same_duration,
    "duration-list": _items(same_duration),
    "duration-or-never": same_duration,
    "email": _address,
    "email-list": _items(_address),
    "email|regex": _address,
    "host-list": _hosts,
    "hostname": _domain,
    "include": without_idle_quotes,
    "ip": _ip,
    "ip-limit": _columns(same_cidr, _exact),
    "list": _items(_exact),
    "listener": listener,
    "macro": _first_and_rest(_exact, _items(lower_domain)),
    "map": _first_and_rest(_record_type, _exact),
    "mx-limit": _columns(lower_domain, _exact),
    "name-ref": _name,
    "path": without_idle_quotes,
    "path-pair": _columns(without_idle_quotes, without_idle_quotes),
    "path-template": without_idle_quotes,
    "proxy-source-host": _columns(same_address, lower_domain, _exact, lower_domain),
    "rate": same_rate,
    "record-fields": _FIELDS,
    "rule": _rule,
    "signals": _items(_exact),
    "size": _size,
    "source-host": _columns(same_address, lower_domain),
    "string": without_idle_quotes,
    "string|enum": _identity,
    "url": without_idle_quotes,
    "volume-rate": same_volume,
}

# What a type alone does not say. A bare number of bytes is documented for max-message-size only.
_BY_NAME: dict[tuple[str, str, str], Normaliser] = {
    ("cidr-rate", "source-ip-max-data-volume-rate", ""): _columns(same_cidr, same_volume),
    ("endpoint", "server", ""): lower_domain,
    ("endpoint", "client", ""): _columns(_exact, lower_domain),
    ("list", "dkim-headers", ""): _headers,
    ("list", "second-dkim-headers", ""): _headers,
    ("list", "records", ""): _items(_record_type),
    ("list", "disable-acct-records", ""): _items(_record_type),
    ("rule", "*", ""): _actions,
    ("rule", "mx", ""): lambda text: " ".join(map(lower_domain, text.split(" "))),
    ("rule", "from-domain", ""): _columns(lower_domain, lower_domain),
    ("rule", "mail-from", "rewrite-list"): _TWO_ADDRESSES,
    ("rule", "sender-or-from", ""): _first_and_rest(lower_domain, _items(_exact)),
    ("size", "max-message-size", ""): same_size,
}
