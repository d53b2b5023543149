"""Texts that are not PowerMTA's language: templates of other tools, and files of other languages."""

from pmtaform.lang.foreign.languages import Foreign, knows_no_line, language_of
from pmtaform.lang.foreign.templates import Template, template_of
from pmtaform.lang.foreign.trees import foreign_of, is_opaque, template_in

__all__ = [
    "Foreign",
    "Template",
    "foreign_of",
    "is_opaque",
    "knows_no_line",
    "language_of",
    "template_in",
    "template_of",
]
