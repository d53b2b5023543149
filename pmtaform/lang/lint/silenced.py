"""What is not reported in a file of another language, and on the lines of a template."""

from __future__ import annotations

from typing import Final

from pmtaform.lang.lint.blocks import brace, other_kind_of_list, section_without_tags
from pmtaform.lang.lint.facts import Facts
from pmtaform.lang.lint.foreign import other_language, placeholder
from pmtaform.lang.lint.model import Hit, Rule

_OF_BLOCKS: Final = {rule.code for rule in (brace, section_without_tags, other_kind_of_list)}  # of the lines below, too


def silences(facts: Facts, hit: Hit, rule: Rule) -> bool:
    """Whether a hit is in a file, or on a line, about which only the rules here report."""
    path = hit.tree.path
    if path in facts.others:
        return rule.code != other_language.code
    template = facts.templates.get(path)
    if template is None or rule.code == placeholder.code:
        return False
    return path in facts.opaque or (hit.line in template.lines and rule.code not in _OF_BLOCKS)
