"""What of a parsed file is not PowerMTA's."""

from __future__ import annotations

from pmtaform.lang.foreign.languages import Foreign, language_of
from pmtaform.lang.foreign.templates import Template, template_of
from pmtaform.lang.tree import Tree


def foreign_of(tree: Tree) -> Foreign | None:
    """The other language that a file is in. What a stack compiles to is never in one."""
    return None if tree.origins is not None else language_of(str(tree), tree.path)


def template_in(tree: Tree) -> Template | None:
    """The marks of templates in a file."""
    return template_of(str(tree))


def is_opaque(tree: Tree, template: Template | None, other: Foreign | None) -> bool:
    """Whether a file does not show what PowerMTA will read."""
    return other is not None or (template is not None and template.has_logic and tree.origins is None)
