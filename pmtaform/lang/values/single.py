"""Checks of values of one word, and of lists of such: numbers, times, rates, addresses, paths, secrets."""

from __future__ import annotations

import re

from pmtaform.diagnostics import did_you_mean
from pmtaform.lang.catalogue import DirectiveSpec
from pmtaform.lang.values.common import DIGITS, cited, first, form, gap, list_item, one_of, open_regex, wrong
from pmtaform.lang.values.numbers import is_volume_rate, parse_bool, parse_cidr, parse_duration, parse_rate, parse_size
from pmtaform.lang.values.text import quoted, split, unquoted, words

_UNITS_IN_WORDS = {
    "hour": "h", "hours": "h", "hrs": "h", "minute": "m", "minutes": "m", "mins": "m",
    "second": "s", "seconds": "s", "secs": "s", "days": "d",
}  # fmt: skip
_TRUTH_OF = {"on": "yes", "1": "yes", "enabled": "yes", "off": "no", "0": "no", "disabled": "no"}
_API_KEY = re.compile(r"[A-Za-z0-9_]{32,128}")
_HEX_KEY = re.compile(r"[0-9A-Fa-f]{40}")
_URL = re.compile(r"https?://[^/]+(/.*)?", re.IGNORECASE)
_RANGE = re.compile(r"([0-9]+)\.\.([0-9]+)(?!.*clamped)")
_BOUND = re.compile(r"\((max|min) ([0-9a-z]+)\)")


def check_bool(_: DirectiveSpec, text: str) -> str | None:
    """`yes`, `no`, `true`, `false`."""
    text = unquoted(text)
    if parse_bool(text) is not None:
        return None
    meant = _TRUTH_OF.get(text.lower())
    remedy = f"; write {meant}" if meant else ""
    return f"{cited(text)} is not a truth value; PowerMTA accepts yes, no, true and false{remedy}."


def check_int(spec: DirectiveSpec, text: str) -> str | None:
    """A whole number in the range that the guide gives; `unlimited` for limits."""
    text = unquoted(text)
    if DIGITS.fullmatch(text) is None:
        return None if _is_unlimited(spec, text) else _not_a_number(spec, text)
    return _out_of_range(spec, int(text))


def _is_unlimited(spec: DirectiveSpec, text: str) -> bool:
    limit = "max-" in spec.name or "unlimited" in f"{spec.format} {spec.default}"
    return limit and text.lower() == "unlimited"


def _not_a_number(spec: DirectiveSpec, text: str) -> str | None:
    if text.startswith("-") and spec.name.startswith("thread-"):
        return None
    return f"{cited(text)} is not a whole number, which {spec.name} accepts."


def _out_of_range(spec: DirectiveSpec, number: int) -> str | None:
    limits = _RANGE.match(spec.format or "")
    if limits and not int(limits[1]) <= number <= int(limits[2]):
        return f"{number} is out of range: {spec.name} is {limits[1]} to {limits[2]}."
    if spec.format == "positive integer" and number == 0:
        return f"{spec.name} must be greater than 0."
    if spec.name.endswith("-port") and number > 65535:
        return f"{number} is not a port: ports end at 65535."
    return None


def check_enum(spec: DirectiveSpec, text: str) -> str | None:
    """One of the words of the table."""
    text = unquoted(text)
    known = {choice.lower() for choice in spec.enum} | {(spec.default or "").lower()}
    if not spec.enum or text.lower() in known:
        return None
    if {"yes", "no"} <= known and text.lower() in ("true", "false"):
        return None
    return f"{cited(text)} is none of the values of {spec.name}: {one_of(spec.enum)}.{did_you_mean(text, spec.enum)}"


def check_one_word(spec: DirectiveSpec, text: str) -> str | None:
    """One word, or one quoted string."""
    if quoted(text) is not None or len(words(text)) == 1:
        return None
    return f"{cited(text)} contains blanks, and {spec.name} accepts {form(spec)}."


def check_path(spec: DirectiveSpec, text: str) -> str | None:
    """One path; absolute where the guide demands it."""
    if spec.status.startswith("removed"):
        return None
    if quoted(text) is None and len(words(text)) > 1:
        return f"A path with blanks must be quoted, and {spec.name} accepts one path."
    if spec.format == "absolute path on Unix" and not re.match(r"/|[A-Za-z]:\\|\\\\", unquoted(text)):
        return f"{cited(text)} is not an absolute path, which {spec.name} must be."
    return None


def check_duration(spec: DirectiveSpec, text: str) -> str | None:
    """A time interval, within the bounds that the guide gives."""
    text = unquoted(text)
    seconds = parse_duration(text)
    if seconds is None:
        return _not_a_duration(spec, text)
    for which, limit in _BOUND.findall(spec.format or ""):
        bound = parse_duration(limit)
        if bound is not None and (seconds > bound if which == "max" else seconds < bound):
            return (
                f"{cited(text)} is too {'long' if which == 'max' else 'short'}: {spec.name} is {limit} at the {which}."
            )
    return None


def _not_a_duration(spec: DirectiveSpec, text: str) -> str:
    if text.isascii() and text.isdecimal():
        return f"{cited(text)} has no unit; write {text}s for seconds, or another of the units w, d, h, m and s."
    if parse_duration(text.lower()) is not None:
        return f"{cited(text)} is not a time interval: its units are written in lower case; write {text.lower()}."
    extra = f" {spec.name} accepts {form(spec)}." if spec.type not in ("duration", "rule") else ""
    return f"{cited(text)} is not a time interval: numbers with the units w, d, h, m and s, such as 4d12h.{extra}"


def check_duration_or_never(spec: DirectiveSpec, text: str) -> str | None:
    """A time interval or `never`."""
    return None if unquoted(text).lower() == "never" else check_duration(spec, text)


def check_bool_or_duration(spec: DirectiveSpec, text: str) -> str | None:
    """A truth value, a time interval or `never`."""
    if parse_bool(unquoted(text)) is not None or check_duration_or_never(spec, text) is None:
        return None
    return f"{cited(text)} is not a value for {spec.name}: it accepts true, false, never or a time interval such as 4h."


def check_duration_list(spec: DirectiveSpec, text: str) -> str | None:
    """Up to 30 time intervals (guide 10.15)."""
    items = split(unquoted(text))
    if len(items) > 30:
        return f"{spec.name} accepts 30 intervals at most, and these are {len(items)}."
    return first(check_duration(spec, item) if item else gap(spec) for item in items)


def check_rate(_: DirectiveSpec, text: str) -> str | None:
    """`N/[M]unit`, `unlimited` or `0` (guide 3.3.10.33)."""
    text = unquoted(text)
    rate = parse_rate(text)
    if rate is None:
        return _not_a_rate(text)
    if rate.count == 0 and rate.seconds:
        return f"{cited(text)} is not a rate: the number before the slash is not 0."
    return None


def _not_a_rate(text: str) -> str:
    count, slash, unit = text.partition("/")
    if not slash and count.isascii() and count.isdecimal():
        return f"{cited(text)} is not a rate: it needs a unit; write {count}/h, {count}/m or the intended unit."
    per = unit.lstrip("0123456789")
    corrected = count + "/" + unit[: len(unit) - len(per)] + _UNITS_IN_WORDS.get(per.lower(), per.lower())
    remedy = f"; write {corrected}" if parse_rate(corrected) else ""
    return f"{cited(text)} is not a rate: the documented units are d, day, h, hr, m, min, s and sec{remedy}."


def check_volume_rate(spec: DirectiveSpec, text: str) -> str | None:
    """`N[b k m g t]/[X]unit`, `unlimited` or `0` (guide 3.3.10.37)."""
    return None if is_volume_rate(unquoted(text)) else wrong(spec, text)


def check_size(_: DirectiveSpec, text: str) -> str | None:
    """`N{b k m g t}`, a bare number or `unlimited`."""
    if parse_size(unquoted(text)):
        return None
    return f"{cited(text)} is not a size: it is a number and one of the letters b, k, m, g and t, such as 50M."


def check_list(spec: DirectiveSpec, text: str) -> str | None:
    """A comma list; header lists may hold regular expressions, which are not looked into."""
    if "/" in text and "/regex/" in (spec.format or ""):
        return None
    return first(list_item(spec, item) for item in split(unquoted(text)))


def check_email(spec: DirectiveSpec, text: str) -> str | None:
    """One mail address."""
    if "," in text and spec.type == "email":
        return f"{spec.name} accepts one address; write one line for each."
    return _one_address(unquoted(text))


def _one_address(text: str) -> str | None:
    local, at, domain = text.rpartition("@")
    if at and local and domain and not re.search(r"[ \t]", text):
        return None
    return f"{cited(text)} is not a mail address; write one such as postmaster@example.com."


def check_emails(spec: DirectiveSpec, text: str) -> str | None:
    """Mail addresses separated by commas."""
    return first(_one_address(item) if item else gap(spec) for item in split(unquoted(text)))


def check_email_or_regex(spec: DirectiveSpec, text: str) -> str | None:
    """A mail address or `/regex/`; in an address list also a bare local part."""
    if text.startswith("/"):
        return None if len(text) > 1 and text.endswith("/") else open_regex(text)
    if "LOCAL-PART" in (spec.format or ""):
        return check_one_word(spec, text)
    return _one_address(unquoted(text))


def check_secret(spec: DirectiveSpec, text: str) -> str | None:
    """A secret; only the documented form of API keys is checked. The finding never cites it."""
    form = spec.format or ""
    if form.startswith("32..128") and _API_KEY.fullmatch(unquoted(text)) is None:
        return f"{spec.name} must be 32 to 128 characters, letters, digits and underscores only."
    if form.startswith("exactly 40") and _HEX_KEY.fullmatch(unquoted(text)) is None:
        return f"{spec.name} must be exactly 40 hexadecimal digits."
    return None


def check_ip(spec: DirectiveSpec, text: str) -> str | None:
    """An IP address; a network passes."""
    if parse_cidr(unquoted(text)):
        return None
    return f"{cited(text)} is not an IP address, which {spec.name} accepts."


_PLAIN_URL = "http[s]://"  # so begins the form of addresses that are a host, a port and a path


def check_url(spec: DirectiveSpec, text: str) -> str | None:
    """An http or https address."""
    text = unquoted(text)
    if _URL.fullmatch(text) is None or re.search(r"[ \t]", text):
        return f"{spec.name} needs an address that starts with http:// or https:// and has no blanks."
    plain = spec.type == "include" or (spec.format or "").startswith(_PLAIN_URL)
    if plain and re.search(r"[?#]|//[^/]*@", text):
        return f"The address in {spec.name} may have no user name, no query and no fragment."
    return None


def check_include(spec: DirectiveSpec, text: str) -> str | None:
    """A path, or in later 5.0 an address without user name, query and fragment."""
    return check_url(spec, text) if re.match("https?:", unquoted(text), re.IGNORECASE) else check_path(spec, text)


def check_path_and_secret(spec: DirectiveSpec, text: str) -> str | None:
    """A path, and a password that is never cited."""
    if len(words(text)) <= 2:
        return None
    return f"{spec.name} accepts a file and, if its key has one, a password; a path with blanks must be quoted."


def check_privacy(spec: DirectiveSpec, text: str) -> str | None:
    """A policy and, for those that hash, a key that is never cited."""
    policy, *key = words(text)
    if policy.lower() not in spec.enum:
        return f"The policy is none of the values of {spec.name}: {one_of(spec.enum)}."
    if not key and policy.lower() not in ("retain", "redact"):
        return f"{spec.name} {policy.lower()} needs a key after it."
    return None
