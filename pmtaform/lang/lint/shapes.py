"""Values and arguments of the wrong form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.line_fixes import value_fix
from pmtaform.lang.lint.model import ERROR, WARNING, Check, Family, Hit, Rule
from pmtaform.lang.lint.placeholders import placeholder_in
from pmtaform.lang.lint.reads import BLOCK
from pmtaform.lang.lint.wrong_values import WrongForm, WrongValue, wrong_value

FORMS: Final = "the value types in guide 3.2 and the directive's own section"


def _reports(form: WrongForm) -> Check:
    def check(facts: Facts) -> Iterator[Hit]:
        for line, wrong in _all_wrong(facts):
            if wrong.form is not form:
                continue
            fix = value_fix(line, wrong.corrected) if wrong.corrected is not None else None
            mark = line.node.name if line.spec is None or line.spec.sensitive or not line.value else line.value
            yield at(line, wrong.detail, mark=mark, fix=fix)

    return check


def _all_wrong(facts: Facts) -> list[tuple[Line, WrongValue]]:
    """Every line with a wrong value, worked out once for all the rules that tell of them."""
    wrong_lines = facts.memory.get("wrong values")
    if not isinstance(wrong_lines, list):
        wrong = (line for lines in facts.alike if wrong_value(lines[0]) is not None for line in lines)
        pairs = ((line, wrong_value(line)) for line in (*facts.unknown, *wrong))
        wrong_lines = [(line, wrong) for line, wrong in pairs if wrong is not None and not _is_reported_elsewhere(line)]
        facts.memory["wrong values"] = wrong_lines
    return wrong_lines


def _is_reported_elsewhere(line: Line) -> bool:
    """Whether another rule reports it: a regex that does not end, a value cut by a #, a placeholder."""
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
    """What a # cuts off a value that it seems to belong to; None where it starts a comment."""
    raw = line.tree.lines[line.node.line - 1].rstrip("\r\n")
    cut = raw.find("#")
    if cut < 1 or line.spec is None or line.spec.type not in ("secret", "path+secret", "enum+secret", "string"):
        return None
    rest = raw[cut:]
    glued = raw[cut - 1] not in " \t" if line.value else rest[1:2] not in ("", " ", "\t", "#") or rest[:3] == "###"
    return rest if glued else None


bad_value: Final = Rule(
    code="bad-value",
    severity=ERROR,
    family=Family.VALUES,
    summary="Invalid value",
    explanation=(
        "PowerMTA does not load a configuration with a malformed line: at a reload the old configuration stays, at a "
        "start mail stops."
    ),
    basis=FORMS,
    reads=BLOCK,
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
    check=_reports(WrongForm.BAD_VALUE),
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
    basis=FORMS,
    reads=BLOCK,
    wrong="postmaster",
    right="postmaster admin@example.com",
    check=_reports(WrongForm.MISSING_VALUE),
)

bad_boolean: Final = Rule(
    code="bad-boolean",
    severity=ERROR,
    family=Family.VALUES,
    summary="Invalid truth value",
    explanation="Truth values are yes, no, true and false.",
    basis="guide 3.2",
    reads=BLOCK,
    wrong="run-as-root off",
    right="run-as-root no",
    check=_reports(WrongForm.BAD_BOOLEAN),
)

rate_unit: Final = Rule(
    code="rate-unit",
    severity=ERROR,
    family=Family.VALUES,
    summary="Undocumented unit of a rate",
    explanation="Documented units are d, day, h, hr, m, min, s and sec; `hour` is not among them.",
    basis="guide 3.3.10.33",
    reads=BLOCK,
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
    check=_reports(WrongForm.RATE_UNIT),
)

rate_unit_case: Final = Rule(
    code="rate-unit-case",
    severity=WARNING,
    family=Family.VALUES,
    summary="Unit of a rate in upper case",
    explanation="Units are documented in lower case only; the guides do not state whether PowerMTA accepts others.",
    basis="guide 3.3.10.33",
    reads=BLOCK,
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
    check=_reports(WrongForm.RATE_UNIT_CASE),
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
    reads=BLOCK,
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
    check=_reports(WrongForm.REGEX_FLAG),
)

bare_address: Final = Rule(
    code="bare-address",
    severity=WARNING,
    family=Family.VALUES,
    summary="Address without brackets",
    explanation="IP addresses are documented in brackets only. PowerMTA may look up one without brackets as a name.",
    basis="guide 3.3.10.89",
    reads=BLOCK,
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
    check=_reports(WrongForm.BARE_ADDRESS),
)

rollup_name: Final = Rule(
    code="rollup-name",
    severity=ERROR,
    family=Family.VALUES,
    summary="Rollup queue without the ending .rollup",
    explanation="The names of rollup queues must end in .rollup.",
    basis="guide 10.17",
    reads=BLOCK,
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
    check=_reports(WrongForm.ROLLUP_NAME),
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
    reads=BLOCK,
    wrong="domain-key example.com,mta1,*,/etc/pmta/key.pem",
    right="domain-key mta1,example.com,/etc/pmta/key.pem",
    check=_reports(WrongForm.DOMAIN_KEY_FIELDS),
)

removed_form: Final = Rule(
    code="removed-form",
    severity=ERROR,
    family=Family.VALUES,
    summary="Removed form",
    explanation="PowerMTA 4.5 removed this form.",
    basis="4.5 release notes",
    reads=BLOCK,
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
    check=_reports(WrongForm.REMOVED_FORM),
)

weak_api_key: Final = Rule(
    code="weak-api-key",
    severity=ERROR,
    family=Family.VALUES,
    summary="Invalid API key",
    explanation="PowerMTA rejects a key that is too short or has other characters. A short key can be guessed.",
    basis="guide 3.3.1.36.5",
    security=True,
    reads=BLOCK,
    wrong="http-api-key short_key_123",
    right="http-api-key 7d3kQ9vTz2LxW8pRb5NcY4mHs6JfGa1E",
    check=_reports(WrongForm.WEAK_API_KEY),
)
