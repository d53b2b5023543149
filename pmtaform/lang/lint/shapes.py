"""Values and arguments of the wrong form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.catalogue import DirectiveSpec, catalogue
from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.hits import at, on
from pmtaform.lang.lint.mend import value_fix
from pmtaform.lang.lint.model import ERROR, WARNING, Check, Family, Hit, Rule
from pmtaform.lang.lint.placeholders import placeholder_in
from pmtaform.lang.lint.syntax import is_pair
from pmtaform.lang.lint.tags import ends_itself, tag_in
from pmtaform.lang.lint.unknown import UNSAFE_YES, is_inside_unknown
from pmtaform.lang.tree import Directive

_FORMS: Final = "the value types in guide 3.2 and the directive's own section"

_TRUTHS: Final = {"on": "yes", "enabled": "yes", "1": "yes", "off": "no", "disabled": "no", "0": "no"}
_RATE: Final = re.compile(r"([0-9]{1,18})/([0-9]{0,9})([A-Za-z]+)")
_UNITS: Final = {
    "hour": "h", "hours": "h", "hrs": "h", "minute": "m", "minutes": "m", "mins": "m",
    "second": "s", "seconds": "s", "secs": "s", "days": "d",
}  # fmt: skip
_FLAGS: Final = re.compile(r"(/.*/)([a-z]{1,3})(?=[ \t])")
_HOST: Final = re.compile(r"([0-9.]+)(:[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with one value: which rule tells it, how, and the value that is certainly meant."""

    rule: str
    detail: str
    mended: str | None = None


def _wrong(line: Line) -> Wrong | None:
    if is_pair(line):
        return None
    if line.spec is None:
        return _wrong_everywhere(line) if is_inside_unknown(line.within) else None
    if line.spec.sensitive:
        if line.value.startswith("(secret ") or " (secret " in line.value:
            return None  # a stack's reference, which nobody has looked up
        return _judge(line.spec, line.value)
    return _remembered(line.spec.name, line.scope, line.node.name if line.name == "/REGEX/" else "", line.value)


def _wrong_everywhere(line: Line) -> Wrong | None:
    """What is wrong with a value in an unknown section, if no meaning of its directive accepts it."""
    specs = catalogue().anywhere(line.node.name)
    found = [_judge(spec, line.value) for spec in specs if not spec.sensitive]
    return found[0] if found and all(found) else None


@lru_cache(maxsize=1 << 16)
def _remembered(name: str, scope: str, regex: str, value: str) -> Wrong | None:
    spec = catalogue().directive(scope, regex or name)
    return None if spec is None else _judge(spec, f"{regex} {value}".strip() if regex else value)


def _judge(spec: DirectiveSpec, value: str) -> Wrong | None:
    """The first thing that is wrong with a value. Two forms that `problem` lets pass or lumps together come first."""
    if tag_in(value):
        return None  # told by tag-on-directive-line
    if spec.name == "cold-virtual-mta" and len(value.split()) == 2 and values.parse_cidr(value.split()[0]):
        return Wrong(
            "removed-form",
            "`cold-virtual-mta CIDR HOSTNAME` was dropped in 4.5: define that address as a virtual MTA, and name it.",
        )
    detail = values.problem(spec, value)
    if detail is None:
        return None
    if not value:
        return Wrong("missing-value", detail)
    return _special(spec, value, detail) or Wrong("bad-value", detail)


def _special(spec: DirectiveSpec, value: str, detail: str) -> Wrong | None:
    """The kinds of wrong values that have a rule, and often a fix, of their own."""
    if spec.type in ("rate", "cidr-rate"):
        return _rate(spec, value, detail)
    if spec.type == "bool":
        meant = _TRUTHS.get(value.lower())
        unsafe = meant == "yes" and spec.name in UNSAFE_YES
        return Wrong("bad-boolean", detail, None if unsafe else meant)
    if spec.name == "mx" and "must end in .rollup" in detail:
        return Wrong("rollup-name", detail)
    if spec.type == "rule":
        return _flag(spec, value, detail)
    if spec.type == "host-list" and "in brackets" in detail:
        return Wrong("bare-address", detail, _bracketed(spec, value))
    if spec.type == "secret" and "characters" in (spec.format or ""):
        return Wrong("weak-api-key", f"{detail} PowerMTA takes no other. Whoever has the key is a full administrator.")
    if spec.name == "domain-key":
        return Wrong("domain-key-fields", detail)
    return None


def _rate(spec: DirectiveSpec, value: str, detail: str) -> Wrong | None:
    head, blank, rate = value.rpartition(" ") if spec.type == "cidr-rate" else ("", "", value)
    found = _RATE.fullmatch(rate)
    if found is None:
        return None
    count, every, unit = found.groups()
    lower = unit.lower()
    mended = f"{count}/{every}{_UNITS.get(lower, lower)}"
    certain = values.problem(spec, head + blank + mended) is None
    rule = "rate-unit-case" if unit != lower and values.parse_rate(f"{count}/{every}{lower}") else "rate-unit"
    return Wrong(rule, detail, head + blank + mended if certain else None)


def _flag(spec: DirectiveSpec, value: str, detail: str) -> Wrong | None:
    found = _FLAGS.search(value)
    if found is None or "flags" not in detail:
        return None
    mended = value[: found.end(1)] + value[found.end(2) :]
    # Only reply patterns are documented to ignore case already; elsewhere the flag may have been meant.
    certain = spec.name == "reply" and found[2] == "i" and values.problem(spec, mended) is None
    return Wrong("regex-flag", detail, mended if certain else None)


def _bracketed(spec: DirectiveSpec, value: str) -> str | None:
    """Every bare IPv4 address in brackets; blanks and separators stay."""

    def mend(found: re.Match[str]) -> str:
        address = _HOST.fullmatch(found[0])
        if address is None or values.parse_cidr(address[1]) is None:
            return found[0]
        return f"[{address[1]}]{address[2] or ''}"

    mended = re.sub(r"[^,; \t\"]+", mend, value)
    return None if values.problem(spec, mended) else mended


def _asks(rule: str) -> Check:
    def check(facts: Facts) -> Iterator[Hit]:
        for line, wrong in _all_wrong(facts):
            if wrong.rule != rule:
                continue
            fix = value_fix(line, wrong.mended) if wrong.mended is not None else None
            mark = line.node.name if line.spec is None or line.spec.sensitive or not line.value else line.value
            yield at(line, wrong.detail, mark=mark, fix=fix)

    return check


def _all_wrong(facts: Facts) -> list[tuple[Line, Wrong]]:
    """Every line with a wrong value, worked out once for all the rules that tell of them."""
    found = facts.memory.get("wrong values")
    if not isinstance(found, list):
        pairs = ((line, _wrong(line)) for line in facts.lines)
        found = [(line, wrong) for line, wrong in pairs if wrong is not None and not _is_told(line)]
        facts.memory["wrong values"] = found
    return found


def _is_told(line: Line) -> bool:
    """Whether another rule tells of it: a regex that does not end, a value cut by a #, a placeholder."""
    if placeholder_in(line):
        return True
    raw = line.tree.lines[line.node.line - 1]
    if line.spec is None or line.spec.type != "rule":
        return cut_by_hash(line) is not None
    return not _regex_is_whole(raw) or "<!--" in raw


def _regex_is_whole(raw: str) -> bool:
    cut = raw.find("#")
    text = raw if cut < 0 else raw[:cut]
    return text.count("/") - text.count("\\/") != 1


def cut_by_hash(line: Line) -> str | None:
    """What a # cuts off a value that it seems to belong to; None where it begins a comment."""
    raw = line.tree.lines[line.node.line - 1].rstrip("\r\n")
    cut = raw.find("#")
    if cut < 1 or line.spec is None or line.spec.type not in ("secret", "path+secret", "enum+secret", "string"):
        return None
    rest = raw[cut:]
    glued = raw[cut - 1] not in " \t" if line.value else rest[1:2] not in ("", " ", "\t", "#") or rest[:3] == "###"
    return rest if glued else None


@Rule(
    code="hash-in-value",
    severity=ERROR,
    family=Family.VALUES,
    summary="Value cut off by #",
    explanation=(
        "Everything after `#` is a comment, in passwords and regular expressions too: the rest is silently lost."
    ),
    basis="guide 3.3.15, 3.3.10.55",
    wrong="""
        <smtp-user feeder>
          password kx9QvLmT2#rW8zPb
        </smtp-user>
    """,
    right="""
        <smtp-user feeder>
          password kx9QvLmT2rW8zPbA
        </smtp-user>
    """,
)
def hash_in_value(facts: Facts) -> Iterator[Hit]:
    for line in facts.lines:
        if line.spec is not None and line.spec.sensitive and cut_by_hash(line) is not None:
            detail = (
                f"Everything after a # is a comment, so PowerMTA reads "
                f"{'only the part before it' if line.value else 'no value'} "
                f"for {line.name}. No quoting is documented that protects it. Choose a value without a #."
            )
            yield at(line, detail, mark=line.node.name)
    for tree in facts.configuration.trees.values():
        for found in tree.diagnostics:
            if found.code != "broken-regex" or found.place is None or tree.origins is not None or not found.place.line:
                continue
            raw = tree.lines[found.place.line - 1]
            if "#" in raw and _hash_in_regex(raw):
                detail = (
                    "Everything after a # is a comment, in a pattern too, so the pattern ends there and never closes. "
                    r"Write \x23 for the #."
                )
                yield Hit(tree=tree, line=found.place.line, detail=detail, mark="#", place=found.place)


def _hash_in_regex(raw: str) -> bool:
    """Whether the # stands between two slashes."""
    cut = raw.find("#")
    return "/" in raw[:cut] and "/" in raw[cut:]


@Rule(
    code="bad-argument",
    severity=ERROR,
    family=Family.VALUES,
    summary="Invalid argument of a section",
    explanation=(
        "PowerMTA does not load a configuration with a malformed line: at a reload the old configuration stays, at a "
        "start mail stops."
    ),
    basis=_FORMS,
    wrong="""
        <domain example.com/>
        </domain>
    """,
    right="""
        <domain example.com>
        </domain>
    """,
)
def bad_argument(facts: Facts) -> Iterator[Hit]:
    for part in facts.parts:
        argument = part.node.argument
        if "<" in argument or ">" in argument or "{{" in argument or "${" in argument:
            continue
        if ends_itself(part):
            name = argument.removesuffix("/").rstrip()
            instead = f"A tag that ends itself is XML. Write <{part.tag} {name}>, and </{part.tag}> below it."
            yield on(part, values.shown(instead))
            continue
        detail = values.argument_problem(part.tag, argument)
        if detail is not None:
            yield on(part, values.shown(detail))


@Rule(
    code="two-rules-on-a-line",
    severity=ERROR,
    family=Family.VALUES,
    summary="Two rules on one line",
    explanation="The second pattern becomes part of the category of the first one.",
    basis="guide 10.8",
    wrong="""
        <bounce-category-patterns>
          /spam/ spam-related /quota/ quota-issues
        </bounce-category-patterns>
    """,
    right="""
        <bounce-category-patterns>
          /spam/ spam-related
          /quota/ quota-issues
        </bounce-category-patterns>
    """,
)
def two_rules_on_a_line(facts: Facts) -> Iterator[Hit]:
    """Two patterns on one line of the bounce categories."""
    for line in facts.named("/REGEX/"):
        node: Directive = line.node
        if node.span == 1 and re.search(r"[A-Za-z-]+\s+/.*/", node.value):
            yield at(
                line,
                "Two rules stand on one line. A rule is one pattern and one category: put each on a line of its own.",
            )


_MALFORMED: Final = "A malformed line stops a load: at a reload the old configuration stays, at a start mail stops."

bad_value: Final = Rule(
    code="bad-value",
    severity=ERROR,
    family=Family.VALUES,
    summary="Invalid value",
    explanation=(
        "PowerMTA does not load a configuration with a malformed line: at a reload the old configuration stays, at a "
        "start mail stops."
    ),
    basis=_FORMS,
    wrong="""
        <domain *>
          max-smtp-out many
        </domain>
    """,
    right="""
        <domain *>
          max-smtp-out 20
        </domain>
    """,
    check=_asks("bad-value"),
)

missing_value: Final = Rule(
    code="missing-value",
    severity=ERROR,
    family=Family.VALUES,
    summary="Missing value",
    explanation=(
        "PowerMTA does not load a configuration with a malformed line: at a reload the old configuration stays, at a "
        "start mail stops."
    ),
    basis=_FORMS,
    wrong="postmaster",
    right="postmaster admin@example.com",
    check=_asks("missing-value"),
)

bad_boolean: Final = Rule(
    code="bad-boolean",
    severity=ERROR,
    family=Family.VALUES,
    summary="Invalid truth value",
    explanation="Truth values are yes, no, true and false.",
    basis="guide 3.2",
    wrong="run-as-root off",
    right="run-as-root no",
    check=_asks("bad-boolean"),
)

rate_unit: Final = Rule(
    code="rate-unit",
    severity=ERROR,
    family=Family.VALUES,
    summary="Undocumented unit of a rate",
    explanation="Documented units are d, day, h, hr, m, min, s and sec; `hour` is not among them.",
    basis="guide 3.3.10.33",
    wrong="""
        <domain *>
          max-msg-rate 3000/hour
        </domain>
    """,
    right="""
        <domain *>
          max-msg-rate 3000/h
        </domain>
    """,
    check=_asks("rate-unit"),
)

rate_unit_case: Final = Rule(
    code="rate-unit-case",
    severity=WARNING,
    family=Family.VALUES,
    summary="Unit of a rate in upper case",
    explanation="Units are documented in lower case only; the guides do not state whether PowerMTA accepts others.",
    basis="guide 3.3.10.33",
    wrong="""
        <domain *>
          max-msg-rate 10/M
        </domain>
    """,
    right="""
        <domain *>
          max-msg-rate 10/m
        </domain>
    """,
    check=_asks("rate-unit-case"),
)

regex_flag: Final = Rule(
    code="regex-flag",
    severity=WARNING,
    family=Family.VALUES,
    summary="Flag after a regular expression",
    explanation=(
        "No flags are documented. Patterns of replies match without regard to case; `(?-i)` in the pattern switches "
        "that off."
    ),
    basis="guide 3.2, 3.3.15",
    wrong="""
        <smtp-pattern-list replies>
          reply /^550 blocked/i bounce-queue
        </smtp-pattern-list>
    """,
    right="""
        <smtp-pattern-list replies>
          reply /^550 blocked/ bounce-queue
        </smtp-pattern-list>
    """,
    check=_asks("regex-flag"),
)

bare_address: Final = Rule(
    code="bare-address",
    severity=WARNING,
    family=Family.VALUES,
    summary="Address without brackets",
    explanation="IP addresses are documented in brackets only. PowerMTA may look up one without brackets as a name.",
    basis="guide 3.3.10.89",
    wrong="""
        <domain next.queue>
          smtp-hosts 192.0.2.1
        </domain>
    """,
    right="""
        <domain next.queue>
          smtp-hosts [192.0.2.1]
        </domain>
    """,
    check=_asks("bare-address"),
)

rollup_name: Final = Rule(
    code="rollup-name",
    severity=ERROR,
    family=Family.VALUES,
    summary="Rollup queue without the ending .rollup",
    explanation="The names of rollup queues must end in .rollup.",
    basis="guide 10.17",
    wrong="""
        <mx-rollup-list>
          mx mx.example.net example
        </mx-rollup-list>
    """,
    right="""
        <mx-rollup-list>
          mx mx.example.net example.rollup
        </mx-rollup-list>
    """,
    check=_asks("rollup-name"),
)

domain_key_fields: Final = Rule(
    code="domain-key-fields",
    severity=ERROR,
    family=Family.VALUES,
    summary="Invalid fields of a domain key",
    explanation=(
        "A key has exactly three fields: selector, domain and file. With others mail goes out unsigned, or PowerMTA "
        "does not load the configuration."
    ),
    basis="guide 10.6",
    wrong="domain-key example.com,mta1,*,/etc/pmta/key.pem",
    right="domain-key mta1,example.com,/etc/pmta/key.pem",
    check=_asks("domain-key-fields"),
)

removed_form: Final = Rule(
    code="removed-form",
    severity=ERROR,
    family=Family.VALUES,
    summary="Removed form",
    explanation="PowerMTA 4.5 removed this form.",
    basis="4.5 release notes",
    wrong="""
        <virtual-mta mta-a>
          cold-virtual-mta 192.0.2.2/32 mta2.example.com
        </virtual-mta>
    """,
    right="""
        <virtual-mta mta-a>
          cold-virtual-mta mta-b
        </virtual-mta>
        <virtual-mta mta-b>
        </virtual-mta>
    """,
    check=_asks("removed-form"),
)

weak_api_key: Final = Rule(
    code="weak-api-key",
    severity=ERROR,
    family=Family.VALUES,
    summary="Invalid API key",
    explanation="PowerMTA rejects a key that is too short or has other characters. A short key can be guessed.",
    basis="guide 3.3.1.36.5",
    security=True,
    wrong="http-api-key short_key_123",
    right="http-api-key 7d3kQ9vTz2LxW8pRb5NcY4mHs6JfGa1E",
    check=_asks("weak-api-key"),
)
