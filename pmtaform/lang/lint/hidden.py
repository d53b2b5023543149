"""Characters that an editor does not show."""

from __future__ import annotations

from typing import Final

from pmtaform.diagnostics.codes.language import BYTE_ORDER_MARK, CONTROL_CHARACTER, NOT_UTF8, ODD_BLANK
from pmtaform.lang.lint.model import WARNING, Family, Rule
from pmtaform.lang.lint.reads import BLOCK
from pmtaform.lang.lint.syntax import passed_on

not_utf8: Final = Rule(
    code=NOT_UTF8.code,
    severity=WARNING,
    family=Family.SYNTAX,
    summary=NOT_UTF8.summary,
    explanation=NOT_UTF8.explanation,
    basis="guide 3.1",
    reads=BLOCK,
    wrong="# caf\udce9",
    right="# café",
    check=passed_on(NOT_UTF8),
)


odd_blank: Final = Rule(
    code=ODD_BLANK.code,
    severity=WARNING,
    family=Family.SYNTAX,
    summary=ODD_BLANK.summary,
    explanation=ODD_BLANK.explanation,
    basis="inferred from guide 3.1",
    reads=BLOCK,
    wrong="log-file\u00a0/var/log/pmta/log",
    right="log-file /var/log/pmta/log",
    check=passed_on(ODD_BLANK),
)


control_character: Final = Rule(
    code=CONTROL_CHARACTER.code,
    severity=WARNING,
    family=Family.SYNTAX,
    summary=CONTROL_CHARACTER.summary,
    explanation=CONTROL_CHARACTER.explanation,
    basis="inferred from guide 3.1",
    reads=BLOCK,
    wrong="host-name mail.example.com \x00",
    right="host-name mail.example.com",
    check=passed_on(CONTROL_CHARACTER),
)


byte_order_mark: Final = Rule(
    code=BYTE_ORDER_MARK.code,
    severity=WARNING,
    family=Family.SYNTAX,
    summary=BYTE_ORDER_MARK.summary,
    explanation=BYTE_ORDER_MARK.explanation,
    basis="inferred from guide 3.1",
    reads=BLOCK,
    wrong="\ufeffpostmaster admin@example.com",
    right="postmaster admin@example.com",
    check=passed_on(BYTE_ORDER_MARK),
)
