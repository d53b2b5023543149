"""Includes, as the reader of files reports them."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.codes.language import INCLUDE_LOOP, MISSING_INCLUDE, RELATIVE_INCLUDE
from pmtaform.lang.lint.model import ERROR, WARNING, Family, Given, Rule
from pmtaform.lang.lint.reads import BLOCK
from pmtaform.lang.lint.syntax import INCLUDES, passed_on

missing_include: Final = Rule(
    code=MISSING_INCLUDE.code,
    severity=WARNING,
    family=Family.SYNTAX,
    summary=MISSING_INCLUDE.summary,
    explanation=MISSING_INCLUDE.explanation,
    basis=INCLUDES,
    reads=BLOCK,
    wrong="include /etc/pmta/gone.conf",
    right="include /etc/pmta/extra.conf",
    given=Given(included={"/etc/pmta/extra.conf": "postmaster admin@example.com"}),
    check=passed_on(MISSING_INCLUDE),
)


include_loop: Final = Rule(
    code=INCLUDE_LOOP.code,
    severity=ERROR,
    family=Family.SYNTAX,
    summary=INCLUDE_LOOP.summary,
    explanation=INCLUDE_LOOP.explanation,
    basis=INCLUDES,
    reads=BLOCK,
    wrong="include /etc/pmta/loop.conf",
    right="include /etc/pmta/extra.conf",
    given=Given(
        included={
            "/etc/pmta/loop.conf": "include /etc/pmta/loop.conf",
            "/etc/pmta/extra.conf": "postmaster admin@example.com",
        }
    ),
    check=passed_on(INCLUDE_LOOP),
)


relative_include: Final = Rule(
    code=RELATIVE_INCLUDE.code,
    severity=WARNING,
    family=Family.SYNTAX,
    summary=RELATIVE_INCLUDE.summary,
    explanation=RELATIVE_INCLUDE.explanation,
    basis=INCLUDES,
    reads=BLOCK,
    wrong="include extra.conf",
    right="include /etc/pmta/extra.conf",
    check=passed_on(RELATIVE_INCLUDE),
)
