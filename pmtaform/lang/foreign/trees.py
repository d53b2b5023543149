"""What of a parsed file is not PowerMTA's."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from pmtaform.lang.foreign.languages import Foreign, language_of
from pmtaform.lang.foreign.templates import Template, template_of
from pmtaform.lang.tree import Tree


def foreign_of(tree: Tree) -> Foreign | None:
    """The other language that a file is in. What a stack compiles to is never in one."""
    return _marks_of(tree)[0]


def template_in(tree: Tree) -> Template | None:
    """The marks of templates in a file."""
    return _marks_of(tree)[1]


_Marks = tuple[Foreign | None, Template | None]
# By the tree and not by its text, which would stay in memory, and take as long to look up.
_known: WeakKeyDictionary[Tree, _Marks] = WeakKeyDictionary()


def _marks_of(tree: Tree) -> _Marks:
    marks = _known.get(tree)
    if marks is None:
        text = str(tree)
        foreign = None if tree.origins is not None else language_of(text, tree.path)
        marks = _known[tree] = foreign, template_of(text)
    return marks


def is_opaque(tree: Tree, template: Template | None, other: Foreign | None) -> bool:
    """Whether a file does not show what PowerMTA will read."""
    return other is not None or (template is not None and template.has_logic and tree.origins is None)
