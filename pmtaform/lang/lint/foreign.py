"""Files that PowerMTA does not read as they are: templates of other tools, and files of other languages.

What another program fills in is judged when it is filled in. So a file of another language, and a template with logic,
get one finding and no other; a template with plain placeholders gets one finding for all of them, and its other lines
are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.foreign import Template
from pmtaform.lang.lint.facts import Facts
from pmtaform.lang.lint.hits import at
from pmtaform.lang.lint.model import ERROR, WARNING, Family, Hit, Rule
from pmtaform.lang.lint.reads import BLOCK

_OMISSION: Final = re.compile(r"\.\.\.+")


def is_omission(word: str) -> bool:
    """Whether a line says only that lines were left out."""
    return _OMISSION.fullmatch(word) is not None


@Rule(
    code="other-language",
    severity=ERROR,
    family=Family.UNKNOWN,
    summary="Other language",
    explanation="PowerMTA does not load the file, and pmtaform cannot check its content.",
    basis="guide 3.1",
    reads=BLOCK,
    wrong="""
        {
          "max-msg-rate": "100/h"
        }
    """,
    right="""
        <domain *>
          max-msg-rate 100/h
        </domain>
    """,
)
def other_language(facts: Facts) -> Iterator[Hit]:
    for path, language in facts.others.items():
        detail = (
            f"This is {language.language}, not a native configuration, so nothing in it was checked. Lint the file "
            "that PowerMTA reads."
        )
        yield Hit(tree=facts.configuration.trees[path], line=language.line, detail=detail)


@Rule(
    code="placeholder",
    severity=WARNING,
    family=Family.UNKNOWN,
    summary="Template not filled in",
    explanation="PowerMTA has no variables except domain macros. A placeholder is an unknown line, or a wrong value.",
    basis="guide 3.3.10 (macros); seen in published templates",
    reads=BLOCK,
    wrong="host-name {{ hostname }}",
    right="host-name mail.example.com",
)
def placeholder(facts: Facts) -> Iterator[Hit]:
    for path, template in facts.templates.items():
        yield _template(facts, path, template)
    for line in facts.lines:
        if line.spec is None and is_omission(line.node.name):
            detail = f"{line.node.name} marks omitted lines. PowerMTA reads it as a directive: remove it."
            yield at(line, detail, mark=line.node.name)


def _template(facts: Facts, path: str, template: Template) -> Hit:
    tree, mark = facts.configuration.trees[path], values.shown(template.mark)
    if path in facts.opaque:
        detail = (
            f"This is a template ({', '.join(template.languages)}), which another program renders; nothing else in it "
            "was checked. Lint what it renders."
        )
        return Hit(tree=tree, line=template.lines[0], detail=detail, mark=template.mark, severity=ERROR)
    number = len(template.lines)
    lines = f"{number} lines have placeholders, the first is {mark}" if number > 1 else f"{mark} is a placeholder"
    detail = (
        f"{lines}. PowerMTA does not fill in placeholders. Another program has to, before the file is installed. Of "
        f"{'these lines' if number > 1 else 'this line'} nothing else was checked."
    )
    return Hit(tree=tree, line=template.lines[0], detail=detail, mark=template.mark)
