"""What is known of PowerMTA's directives and sections, for people: every fact from the catalogue, none from memory."""

from pmtaform.lang.explain.lookup import Explanation, Fact, Meaning, explain, unknown, where
from pmtaform.lang.explain.mistakes import Mistake, invention, mistakes_about
from pmtaform.lang.explain.relations import Related
from pmtaform.lang.explain.searching import WordMatch, search

__all__ = [
    "Explanation",
    "Fact",
    "Meaning",
    "Mistake",
    "Related",
    "WordMatch",
    "explain",
    "invention",
    "mistakes_about",
    "search",
    "unknown",
    "where",
]
