"""Lint: report lines of a configuration that are wrong, unsafe, or without effect.

lint(Subject(configuration=…)) -> findings      every rule in its order; `rules()` has them by code
apply_fixes(configuration, findings) -> edits   the safe fixes, as splices of lines
rules_text()                                    the listing of all rules

A rule never reports as wrong what the guides allow. Where they are silent, the message states that, and is no error.
"""

from typing import TYPE_CHECKING

from pmtaform.lazy import lazily

if TYPE_CHECKING:
    from pmtaform.lang.lint.facts import Facts
    from pmtaform.lang.lint.fixes import applied, apply_fixes
    from pmtaform.lang.lint.hits import at, on
    from pmtaform.lang.lint.model import Family, Finding, Fix, Hit, Rule
    from pmtaform.lang.lint.run import lint
    from pmtaform.lang.lint.subject import FileFacts, Subject
    from pmtaform.lang.lint.table import families, rules, rules_text

__all__ = [
    "Facts",
    "Family",
    "FileFacts",
    "Finding",
    "Fix",
    "Hit",
    "Rule",
    "Subject",
    "applied",
    "apply_fixes",
    "at",
    "families",
    "lint",
    "on",
    "rules",
    "rules_text",
]

__getattr__ = lazily(
    __name__,
    {
        "facts": "Facts",
        "fixes": "applied apply_fixes",
        "hits": "at on",
        "model": "Family Finding Fix Hit Rule",
        "run": "lint",
        "subject": "FileFacts Subject",
        "table": "families rules rules_text",
    },
)
