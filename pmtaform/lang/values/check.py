"""What is wrong with a value, in one sentence.

Only what the guides rule out is called wrong. Where they are silent (the case of `yes`, whether a limit may be
`unlimited`), the value passes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from pmtaform.diagnostics import did_you_mean
from pmtaform.lang.catalogue import DirectiveSpec
from pmtaform.lang.values.normal import RECORD_TYPES
from pmtaform.lang.values.numbers import (
    is_volume_rate,
    parse_address,
    parse_bool,
    parse_cidr,
    parse_duration,
    parse_rate,
    parse_size,
)
from pmtaform.lang.values.show import shown
from pmtaform.lang.values.text import BLANKS, EMPTY, balanced, quoted, rule_parts, split, squeezed, unquoted, words

Check = Callable[[DirectiveSpec, str], str | None]

_LONGEST = 80
_UNITS_IN_WORDS = {
    "hour": "h", "hours": "h", "hrs": "h", "minute": "m", "minutes": "m", "mins": "m",
    "second": "s", "seconds": "s", "secs": "s", "days": "d",
}  # fmt: skip
_TRUTH_OF = {"on": "yes", "1": "yes", "enabled": "yes", "off": "no", "0": "no", "disabled": "no"}
_RECORDS = frozenset({*RECORD_TYPES, *RECORD_TYPES.values()})
_MACRO_NAME = re.compile(r"[A-Za-z0-9_]+")
_API_KEY = re.compile(r"[A-Za-z0-9_]{32,128}")
_HEX_KEY = re.compile(r"[0-9A-Fa-f]{40}")
_URL = re.compile(r"https?://[^/]+(/.*)?", re.IGNORECASE)
_RANGE = re.compile(r"([0-9]+)\.\.([0-9]+)(?!.*clamped)")
_BOUND = re.compile(r"\((max|min) ([0-9a-z]+)\)")
_FLAGGED = re.compile(r"[A-Za-z]+(?= |$)")
_DIGITS = re.compile("[0-9]{1,18}")


def problem(spec: DirectiveSpec, value: str) -> str | None:
    """What is wrong with this value of this directive and what would be right; None when nothing is known to be."""
    text = value.strip(BLANKS)
    if not text:
        return f"{spec.name} stands without a value; it takes {_form(spec)}."
    if text == EMPTY:
        return _emptied(spec)
    if text == "=" or text.startswith("= "):
        return f"PowerMTA has no equals sign between a name and its value; write {spec.name} and the value."
    if "<!--" in text and spec.sensitive is None:
        return "<!-- --> is no comment to PowerMTA but part of the value; a comment begins with #."
    check = _BY_NAME.get((spec.name, spec.scopes[0] if spec.scopes else "")) or _BY_TYPE.get(spec.type)
    if spec.type not in _RAW and not balanced(text):
        return "A double quote is opened and not closed."
    return check(spec, text) if check else None


def _emptied(spec: DirectiveSpec) -> str | None:
    if spec.clearable or "string" in spec.types or spec.type == "template":
        return None
    return f'{spec.name} cannot be emptied with ""; it takes {_form(spec)}. To unset it, remove the line.'


_FORMS = {
    "bool": "yes, no, true or false",
    "int": "a whole number",
    "duration": "a time interval such as 30m or 4d12h",
    "duration-or-never": "a time interval such as 30m or 4d12h, or never",
    "duration-list": "a time interval or a comma list of them, such as 10m,30m,1h",
    "rate": "a rate such as 300/h, or unlimited",
    "volume-rate": "an amount of data in a time, such as 10m/h, or unlimited",
    "size": "a size such as 50M",
    "path": "the path of a file or directory",
    "name-ref": "one name",
    "email": "a mail address",
    "email-list": "mail addresses separated by commas",
    "secret": "a secret",
}


def _form(spec: DirectiveSpec) -> str:
    if spec.enum and spec.type not in ("rule", "acl"):
        return _or(spec.enum)
    plain = _FORMS.get(spec.type)
    return plain or (f"the form {spec.format}" if spec.format else "a value")


def _or(choices: Iterable[str]) -> str:
    *most, last = choices
    return f"{', '.join(most)} or {last}" if most else last


def _cited(text: str) -> str:
    text = shown(text)
    return f'"{text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"}"'


def _wrong(spec: DirectiveSpec, text: str) -> str:
    return f"{_cited(text)} is no value for {spec.name}: it takes {_form(spec)}."


def _bool(_: DirectiveSpec, text: str) -> str | None:
    text = unquoted(text)
    if parse_bool(text) is not None:
        return None
    meant = _TRUTH_OF.get(text.lower())
    remedy = f"; write {meant}" if meant else ""
    return f"{_cited(text)} is neither yes, no, true nor false, the only truth values that PowerMTA knows{remedy}."


def _int(spec: DirectiveSpec, text: str) -> str | None:
    text = unquoted(text)
    if _DIGITS.fullmatch(text) is None:
        return None if _is_unlimited(spec, text) else _not_a_number(spec, text)
    return _out_of_range(spec, int(text))


def _is_unlimited(spec: DirectiveSpec, text: str) -> bool:
    limit = "max-" in spec.name or "unlimited" in f"{spec.format} {spec.default}"
    return limit and text.lower() == "unlimited"


def _not_a_number(spec: DirectiveSpec, text: str) -> str | None:
    if text.startswith("-") and spec.name.startswith("thread-"):
        return None
    return f"{_cited(text)} is not a whole number, which {spec.name} takes."


def _out_of_range(spec: DirectiveSpec, number: int) -> str | None:
    limits = _RANGE.match(spec.format or "")
    if limits and not int(limits[1]) <= number <= int(limits[2]):
        return f"{number} is out of range: {spec.name} is {limits[1]} to {limits[2]}."
    if spec.format == "positive integer" and number == 0:
        return f"{spec.name} must be greater than 0."
    if spec.name.endswith("-port") and number > 65535:
        return f"{number} is no port: ports end at 65535."
    return None


def _enum(spec: DirectiveSpec, text: str) -> str | None:
    text = unquoted(text)
    known = {choice.lower() for choice in spec.enum} | {(spec.default or "").lower()}
    if not spec.enum or text.lower() in known:
        return None
    if {"yes", "no"} <= known and text.lower() in ("true", "false"):
        return None
    return f"{_cited(text)} is none of the values of {spec.name}: {_or(spec.enum)}.{did_you_mean(text, spec.enum)}"


def _one_word(spec: DirectiveSpec, text: str) -> str | None:
    if quoted(text) is not None or len(words(text)) == 1:
        return None
    return f"{_cited(text)} has blanks in it, and {spec.name} takes {_form(spec)}."


def _path(spec: DirectiveSpec, text: str) -> str | None:
    if spec.status.startswith("removed"):
        return None
    if quoted(text) is None and len(words(text)) > 1:
        return f"A path with blanks must be quoted, and {spec.name} takes one path."
    if spec.format == "absolute path on Unix" and not re.match(r"/|[A-Za-z]:\\|\\\\", unquoted(text)):
        return f"{_cited(text)} is not an absolute path, which {spec.name} must be."
    return None


def _duration(spec: DirectiveSpec, text: str) -> str | None:
    text = unquoted(text)
    seconds = parse_duration(text)
    if seconds is None:
        return _not_a_duration(spec, text)
    for which, limit in _BOUND.findall(spec.format or ""):
        bound = parse_duration(limit)
        if bound is not None and (seconds > bound if which == "max" else seconds < bound):
            return (
                f"{_cited(text)} is too {'long' if which == 'max' else 'short'}: {spec.name} is {limit} at the {which}."
            )
    return None


def _not_a_duration(spec: DirectiveSpec, text: str) -> str:
    if text.isascii() and text.isdecimal():
        return f"{_cited(text)} has no unit; write {text}s for seconds, or another of the units w, d, h, m and s."
    if parse_duration(text.lower()) is not None:
        return f"{_cited(text)} is no time interval: its units are written in lower case; write {text.lower()}."
    extra = f" {spec.name} takes {_form(spec)}." if spec.type not in ("duration", "rule") else ""
    return f"{_cited(text)} is no time interval: numbers with the units w, d, h, m and s, such as 4d12h.{extra}"


def _duration_or_never(spec: DirectiveSpec, text: str) -> str | None:
    return None if unquoted(text).lower() == "never" else _duration(spec, text)


def _bool_or_duration(spec: DirectiveSpec, text: str) -> str | None:
    if parse_bool(unquoted(text)) is not None or _duration_or_never(spec, text) is None:
        return None
    return f"{_cited(text)} is no value for {spec.name}: it takes true, false, never or a time interval such as 4h."


def _duration_list(spec: DirectiveSpec, text: str) -> str | None:
    items = split(unquoted(text))
    if len(items) > 30:
        return f"{spec.name} takes 30 intervals at most, and these are {len(items)}."
    return _first(_duration(spec, item) if item else _gap(spec) for item in items)


def _first(problems: Iterable[str | None]) -> str | None:
    return next((found for found in problems if found), None)


def _gap(spec: DirectiveSpec) -> str:
    return f"A comma in {spec.name} has nothing before or after it; a list stands on one line, a,b,c."


def _rate(_: DirectiveSpec, text: str) -> str | None:
    text = unquoted(text)
    found = parse_rate(text)
    if found is None:
        return _not_a_rate(text)
    if found.count == 0 and found.seconds:
        return f"{_cited(text)} is no rate: the number before the slash is not 0."
    return None


def _not_a_rate(text: str) -> str:
    count, slash, unit = text.partition("/")
    if not slash and count.isascii() and count.isdecimal():
        return f"{_cited(text)} is no rate: it needs a unit; write {count}/h, {count}/m or whichever is meant."
    per = unit.lstrip("0123456789")
    mended = count + "/" + unit[: len(unit) - len(per)] + _UNITS_IN_WORDS.get(per.lower(), per.lower())
    remedy = f"; write {mended}" if parse_rate(mended) else ""
    return f"{_cited(text)} is no rate: the documented units are d, day, h, hr, m, min, s and sec{remedy}."


def _volume_rate(spec: DirectiveSpec, text: str) -> str | None:
    return None if is_volume_rate(unquoted(text)) else _wrong(spec, text)


def _size(_: DirectiveSpec, text: str) -> str | None:
    if parse_size(unquoted(text)):
        return None
    return f"{_cited(text)} is no size: it is a number and one of the letters b, k, m, g and t, such as 50M."


def _list(spec: DirectiveSpec, text: str) -> str | None:
    if "/" in text and "/regex/" in (spec.format or ""):
        return None
    return _first(_list_item(spec, item) for item in split(unquoted(text)))


def _list_item(spec: DirectiveSpec, item: str) -> str | None:
    if not item:
        return _gap(spec)
    if len(words(item)) > 1:
        return f"{_cited(item)} has blanks in it; the items of {spec.name} are separated by commas."
    return None


def _records(spec: DirectiveSpec, text: str) -> str | None:
    for item in split(unquoted(text)):
        if item.lower() in _RECORDS:
            continue
        if not item:
            return _gap(spec)
        if all(word.lower() in _RECORDS for word in words(item)):
            return f"{_cited(item)}: the items of {spec.name} are separated by commas; write {','.join(words(item))}."
        return f"{_cited(item)} is no record type: they are d, b, t, tq, r, f, rb and rs, or their long names."
    return None


def _email(spec: DirectiveSpec, text: str) -> str | None:
    if "," in text and spec.type == "email":
        return f"{spec.name} takes one address; write one line for each."
    return _one_address(unquoted(text))


def _one_address(text: str) -> str | None:
    local, at, domain = text.rpartition("@")
    if at and local and domain and not re.search(r"[ \t]", text):
        return None
    return f"{_cited(text)} is no mail address; write one such as postmaster@example.com."


def _emails(spec: DirectiveSpec, text: str) -> str | None:
    return _first(_one_address(item) if item else _gap(spec) for item in split(unquoted(text)))


def _email_or_regex(spec: DirectiveSpec, text: str) -> str | None:
    if text.startswith("/"):
        return None if len(text) > 1 and text.endswith("/") else _open_regex(text)
    if "LOCAL-PART" in (spec.format or ""):
        return _one_word(spec, text)
    return _one_address(unquoted(text))


def _open_regex(text: str) -> str:
    return (
        f"{_cited(text)} is no whole regular expression: it stands between slashes, nothing follows the second one, "
        "and as # begins a comment anywhere, a # in it is written \\x23."
    )


def _secret(spec: DirectiveSpec, text: str) -> str | None:
    form = spec.format or ""
    if form.startswith("32..128") and _API_KEY.fullmatch(unquoted(text)) is None:
        return f"{spec.name} must be 32 to 128 characters, letters, digits and underscores only."
    if form.startswith("exactly 40") and _HEX_KEY.fullmatch(unquoted(text)) is None:
        return f"{spec.name} must be exactly 40 hexadecimal digits."
    return None


def _ip(spec: DirectiveSpec, text: str) -> str | None:
    if parse_cidr(unquoted(text)):
        return None
    return f"{_cited(text)} is no IP address, which {spec.name} takes."


def _url(spec: DirectiveSpec, text: str) -> str | None:
    text = unquoted(text)
    if _URL.fullmatch(text) is None or re.search(r"[ \t]", text):
        return f"{spec.name} takes an address that begins with http:// or https:// and has no blanks."
    if spec.type == "include" and re.search(r"[?#]|//[^/]*@", text):
        return f"The address in {spec.name} may have no user name, no query and no fragment."
    return None


def _include(spec: DirectiveSpec, text: str) -> str | None:
    return _url(spec, text) if re.match("https?:", unquoted(text), re.IGNORECASE) else _path(spec, text)


def _path_and_secret(spec: DirectiveSpec, text: str) -> str | None:
    if len(words(text)) <= 2:
        return None
    return f"{spec.name} takes a file and, if its key has one, a password; a path with blanks must be quoted."


def _privacy(spec: DirectiveSpec, text: str) -> str | None:
    policy, *key = words(text)
    if policy.lower() not in spec.enum:
        return f"The policy is none of the values of {spec.name}: {_or(spec.enum)}."
    if not key and policy.lower() not in ("retain", "redact"):
        return f"{spec.name} {policy.lower()} needs a key after it."
    return None


def domain_problem(text: str) -> str | None:
    """What is wrong with one domain pattern (LANGUAGE.md section 2: `*`, `name`, `*.name`, `[*.]name`, `[CIDR]`)."""
    text = unquoted(text)
    if "@" in text:
        return f"{_cited(text)} is a mail address where a domain is wanted; write {_cited(text.rpartition('@')[2])}."
    if text.startswith("[") and text.endswith("]"):
        return (
            None
            if parse_cidr(text[1:-1]) or "$" in text
            else f"{_cited(text)} is no domain literal such as [192.0.2.1]."
        )
    bare = text.removeprefix("[*.]").removeprefix("*.")
    if "*" in bare and text != "*":
        return (
            f"{_cited(text)} is no domain pattern: a star stands alone or before the name, as in *.example.com or "
            "[*.]example.com; for several endings use a domain-macro."
        )
    if re.search(r"[/ \t,;<>]", bare):
        return f"{_cited(text)} is no domain pattern: it is *, a name, *.name, [*.]name or a name with a $macro."
    return None


def _domain(spec: DirectiveSpec, text: str) -> str | None:
    return _one_word(spec, text) or domain_problem(text)


def _identity(spec: DirectiveSpec, text: str) -> str | None:
    return _one_word(spec, text)


def _networks_value(spec: DirectiveSpec, text: str) -> str | None:
    """`CIDR VALUE`."""
    network, *rest = words(text)
    if parse_cidr(network) is None:
        return f"{_cited(network)} is no IP address or network; {spec.name} takes {_form(spec)}."
    if len(rest) != 1:
        return f"{spec.name} takes {_form(spec)}."
    if spec.type != "cidr-rate":
        return _int(spec, rest[0])
    return _volume_rate(spec, rest[0]) if "[b|k" in (spec.format or "") else _rate(spec, rest[0])


def _mx_limit(spec: DirectiveSpec, text: str) -> str | None:
    found = words(text)
    return _int(spec, found[1]) if len(found) == 2 else f"{spec.name} takes {_form(spec)}."


def _acl(spec: DirectiveSpec, text: str) -> str | None:
    network, *rest = words(text)
    if parse_cidr(network) is None:
        return f"{_cited(network)} is no IP address or network; {spec.name} is one and a level: 127.0.0.1 monitor."
    level = ",".join(split("".join(rest)))
    if level.lower() in spec.enum:
        return None
    if not level:
        return f"{spec.name} {network} has no level; it is one of {_or(spec.enum)}."
    return f"{_cited(level)} is no level of {spec.name}: it is {_or(spec.enum)}."


def _source_host(spec: DirectiveSpec, text: str) -> str | None:
    found = words(text)
    if parse_cidr(found[0]) is None:
        if len(found) == 2 and parse_cidr(found[1]):
            return f"The address comes first; write {spec.name} {found[1]} {found[0]}."
        return f"{_cited(found[0])} is no IP address or network; {spec.name} takes one and then a host name."
    if len(found) == 1:
        return f"{spec.name} needs the host name for EHLO after the address."
    if parse_cidr(found[1]):
        return (
            f"After the address comes a host name, not {_cited(found[1])}; write one {spec.name} line for each address."
        )
    if len(found) > 2:
        return f"{spec.name} takes one address and one host name, nothing more."
    return None


def _endpoint(text: str) -> bool:
    host, colon, port = text.rpartition(":")
    return bool(colon and host) and _is_port(port)


def _is_port(text: str) -> bool:
    return _DIGITS.fullmatch(text) is not None and int(text) <= 65535


def _proxy_server(spec: DirectiveSpec, text: str) -> str | None:
    return None if len(words(text)) == 1 and _endpoint(unquoted(text)) else _wrong(spec, text)


def _proxy_client(spec: DirectiveSpec, text: str) -> str | None:
    return None if len(words(text)) == 2 and _is_client(words(text)[0]) else f"{spec.name} takes IP[:PORT] HOSTNAME."


def _is_client(text: str) -> bool:
    return parse_address(text) is not None or _endpoint(text)


def _proxy_source(spec: DirectiveSpec, text: str) -> str | None:
    found = words(text)
    right = len(found) == 4 and parse_cidr(found[0]) and _endpoint(found[1]) and _is_client(found[2])
    return None if right else f"{spec.name} takes the form {spec.format}."


def listener_problem(text: str) -> str | None:
    """What is wrong with `ADDRESS:PORT`, the address an IP or a CIDR."""
    text = unquoted(text)
    address, colon, port = text.rpartition(":")
    if not colon or (parse_cidr(text) and not parse_cidr(address.strip("[]"))):
        return f"{_cited(text)} has no port; write {_cited(text + ':25')} or whichever port is meant."
    if parse_cidr(address.strip("[]")) is None:
        return f"{_cited(address)} is no IP address or network; a listener is ADDRESS:PORT, such as 0/0:25."
    return None if _is_port(port) else f"{_cited(port)} is no port; a listener is ADDRESS:PORT, such as 192.0.2.1:25."


def _listener(spec: DirectiveSpec, text: str) -> str | None:
    address, *rest = words(text)
    if any(not word.startswith("source=") for word in rest) or len(rest) > 1:
        return f"{_cited(' '.join(rest))} cannot follow the address; {spec.name} takes ADDRESS:PORT [source=NAME]."
    return listener_problem(address)


def _domain_key(spec: DirectiveSpec, text: str) -> str | None:
    fields = split(text)
    right = "selector, domain (or *) and key file, such as sel1,example.com,/etc/pmta/sel1.example.com.pem"
    if len(fields) != 3 or not all(fields):
        return f"{spec.name} has exactly three fields, {right}; here are {len(fields)}."
    if "=" in fields[0]:
        return f"The fields of {spec.name} have no names; they are {right}."
    if len(words(fields[0])) > 1 or len(words(fields[1])) > 1:
        return f"{spec.name} has blanks inside a field; the fields are {right}."
    return None


def _macro(spec: DirectiveSpec, text: str) -> str | None:
    name, *rest = squeezed(text).split(" ", 1)
    if _MACRO_NAME.fullmatch(name) is None:
        return f"{_cited(name)} is no name for a macro: letters, digits and underscores only."
    if not rest:
        return f"The macro {name} has no domains; they stand on the same line, {spec.name} {name} a.example, b.example."
    return _first(_list_item(spec, item) for item in split(rest[0]))


def _pair(spec: DirectiveSpec, text: str) -> str | None:
    return None if len(words(text)) == 2 else f"{spec.name} takes {_form(spec)}; a path with blanks is quoted."


def _alias(spec: DirectiveSpec, text: str) -> str | None:
    return None if len(words(text)) >= 2 else f"{spec.name} takes {_form(spec)}."


def _days(spec: DirectiveSpec, text: str) -> str | None:
    for item in split(unquoted(text)):
        count, _, unit = item.partition("/")
        if not (_DIGITS.fullmatch(count) and unit in ("d", "day")):
            return f"{_cited(item)} is no number a day: {spec.name} takes 50/d, or a list such as 50/d,100/d,200/d."
    return None


def _hosts(spec: DirectiveSpec, text: str) -> str | None:
    items = [item for group in split(unquoted(text), ";") for item in split(group)]
    return _first(_host(spec, item) for item in items)


def _host(spec: DirectiveSpec, item: str) -> str | None:
    if not item:
        return _gap(spec)
    if len(words(item)) > 1:
        return f"{_cited(item)} has blanks in it; hosts are separated by commas, or by semicolons between preferences."
    host, _, port = item.partition(":") if item.count(":") == 1 else (item, "", "")
    if parse_address(host):
        mended = f"[IPv6:{host}]" if ":" in host else f"[{host}]"
        return f"{_cited(item)}: an IP address stands in brackets; write {mended}{':' + port if port else ''}."
    return None


def _map(spec: DirectiveSpec, text: str) -> str | None:
    found = words(text)
    return _record_type(spec, found[0]) if len(found) == 3 else f"{spec.name} takes {_form(spec)}."


def _record_fields(spec: DirectiveSpec, text: str) -> str | None:
    kind, *fields = squeezed(text).split(" ", 1)
    if not fields:
        return f"{spec.name} takes {_form(spec)}."
    return _record_type(spec, kind) or _first(None if item else _gap(spec) for item in split(fields[0]))


def _record_type(spec: DirectiveSpec, text: str) -> str | None:
    if all(item.lower() in _RECORDS for item in split(text)):
        return None
    return (
        f"{_cited(text)} is no record type, which {spec.name} begins with: d, b, t, tq, r, f, rb or rs, or a long name."
    )


def _regex_rule(spec: DirectiveSpec, text: str, example: str) -> tuple[str, str | None]:
    """The part of a rule after its regular expression, and what is wrong up to there."""
    parts = rule_parts(text)
    if parts is None:
        if "/" in text:
            return "", _open_regex(text)
        return "", f"{spec.name} needs a regular expression between slashes, such as {example}."
    before, regex, rest = parts
    expected = 1 if spec.name == "header" else 0
    if len(words(before)) != expected:
        return "", f"{spec.name} takes {_form(spec)}, such as {example}."
    flags = _FLAGGED.match(rest)
    if flags:
        why = "; these patterns match without regard to case already" if spec.name == "reply" else ""
        return "", f"No flags may follow a regular expression: write {regex} instead of {regex}{flags[0]}{why}."
    if rest and rest[0] not in " \t":
        return "", _open_regex(text)
    return rest.strip(BLANKS), None


def _pattern_rule(spec: DirectiveSpec, text: str) -> str | None:
    named = "X-Tag " if spec.name == "header" else ""
    rest, wrong = _regex_rule(spec, text, f"{spec.name} {named}/@example\\.com$/ virtual-mta=NAME")
    return wrong or _result(spec, rest)


def _result(spec: DirectiveSpec, text: str) -> str | None:
    if text.startswith(("<pattern-list", "call-to:")):
        return None
    for item in split(text):
        key, _, value = item.partition("=")
        if key not in ("virtual-mta", "recipient-priority") or not value:
            return (
                f"{_cited(item)} is no result of a rule: write virtual-mta=NAME, recipient-priority=N or call-to: LIST."
                if item
                else f"The rule has no result; write virtual-mta=NAME after the regular expression of {spec.name}."
            )
        if key == "recipient-priority" and not (_DIGITS.fullmatch(value) and int(value) <= 100):
            return f"{_cited(value)} is no recipient-priority: it is a number from 0 to 100."
    return None


def _reply(spec: DirectiveSpec, text: str) -> str | None:
    rest, wrong = _regex_rule(spec, text, "reply /^421 / mode=backoff")
    if wrong:
        return wrong
    if not rest:
        return "The rule has no action; write one after the regular expression, such as mode=backoff."
    actions = split(rest)
    return _first(_action(spec, action) for action in actions) or _contradiction(actions)


def _action(spec: DirectiveSpec, action: str) -> str | None:
    key, _, value = action.partition("=")
    if f"{key}=TIME" in spec.enum:
        return _duration(spec, value)
    if action in spec.enum:
        return None
    if not action:
        return _gap(spec)
    if key == "mode":
        return f"{_cited(action)}: the modes are normal and backoff; for the rest see defer-queue, bounce-queue and bounce-rcpt."
    if len(words(action)) > 1:
        return f"{_cited(action)} is no action; several actions are separated by commas."
    return f"{_cited(action)} is no action: they are {_or(spec.enum)}.{did_you_mean(action, spec.enum)}"


def _contradiction(actions: list[str]) -> str | None:
    """What the guide says may not stand together (3.3.15)."""
    keys = [action.partition("=")[0] if "-after=" in action else action for action in actions]
    if {"mode=normal", "mode=backoff"} <= set(keys):
        return "A rule cannot switch to mode=normal and to mode=backoff."
    if {"skip-mx", "bounce-queue"} <= set(keys):
        return "skip-mx and bounce-queue cannot stand in one rule."
    for key, after in (("reenable-after", "disable-source-ip"), ("backoff-to-normal-after", "mode=backoff")):
        if keys.count(key) > 1:
            return f"{key} stands twice in one rule."
        if key in keys and after not in keys[: keys.index(key)]:
            return f"{key} must stand after {after} in the same rule."
    return None


def _category(spec: DirectiveSpec, text: str) -> str | None:
    if not text.startswith("/"):
        return None
    rest, wrong = _regex_rule(spec, text, "/mailbox full/ quota-issues")
    return wrong or (None if rest else "The rule has no category; write its name after the regular expression.")


def _mx(spec: DirectiveSpec, text: str) -> str | None:
    found = words(text)
    if len(found) < 2 or len(found) > 3 or found[2:] not in ([], ["rollup-by-ip"]):
        return f"{spec.name} takes {_form(spec)}."
    if not found[1].lower().endswith(".rollup"):
        return f"The name of a rollup queue must end in .rollup; write {spec.name} {found[0]} {found[1]}.rollup."
    return None


def _filter(spec: DirectiveSpec, text: str) -> str | None:
    found = words(text)
    actions = split("".join(found[1:]))
    if len(found) < 2 or actions[0] not in ("enable-signals", "disable-signals"):
        return f"{spec.name} takes {_form(spec)}."
    return None


_RAW = frozenset({"secret", "rule", "email|regex", "string", "template", "list", "enum+secret"})

_BY_TYPE: dict[str, Check] = {
    "acl": _acl,
    "address-map": _alias,
    "bool": _bool,
    "bool|duration": _bool_or_duration,
    "bool|enum": _enum,
    "cidr-int": _networks_value,
    "cidr-rate": _networks_value,
    "day-rate-list": _days,
    "domain": _domain,
    "domain-key": _domain_key,
    "domain-pattern": _domain,
    "duration": _duration,
    "duration-list": _duration_list,
    "duration-or-never": _duration_or_never,
    "email": _email,
    "email-list": _emails,
    "email|regex": _email_or_regex,
    "enum": _enum,
    "enum+secret": _privacy,
    "host-list": _hosts,
    "hostname": _domain,
    "include": _include,
    "int": _int,
    "int|enum": lambda spec, text: _enum(spec, text) and _int(spec, text),
    "ip": _ip,
    "ip-limit": _networks_value,
    "list": _list,
    "listener": _listener,
    "macro": _macro,
    "map": _map,
    "mx-limit": _mx_limit,
    "name-ref": _one_word,
    "path": _path,
    "path+secret": _path_and_secret,
    "path-pair": _pair,
    "path-template": _one_word,
    "proxy-source-host": _proxy_source,
    "rate": _rate,
    "record-fields": _record_fields,
    "secret": _secret,
    "signals": _one_word,
    "size": _size,
    "source-host": _source_host,
    "string|enum": _identity,
    "url": _url,
    "volume-rate": _volume_rate,
}

# Where one type covers lines of different forms, told apart by name and section.
_BY_NAME: dict[tuple[str, str], Check] = {
    ("server", "proxy"): _proxy_server,
    ("client", "proxy"): _proxy_client,
    ("records", "acct-file"): _records,
    ("disable-acct-records", "domain"): _records,
    ("header", "pattern-list"): _pattern_rule,
    ("mail-from", "pattern-list"): _pattern_rule,
    ("rcpt-to", "pattern-list"): _pattern_rule,
    ("*", "pattern-list"): _result,
    ("reply", "smtp-pattern-list"): _reply,
    ("/REGEX/", "bounce-category-patterns"): _category,
    ("mx", "mx-rollup-list"): _mx,
    ("from-domain", "rewrite-list"): _pair,
    ("mail-from", "rewrite-list"): _pair,
    ("sender-or-from", "signals-filter"): _filter,
}
