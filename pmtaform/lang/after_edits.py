"""A configuration as edits leave it, made from the one before."""

from __future__ import annotations

from collections.abc import Mapping

from pmtaform.lang.includes import Configuration, read_configuration
from pmtaform.lang.parsing import gc_paused, parse
from pmtaform.lang.parsing.spliced import Replacement, spliced
from pmtaform.lang.splices import FileEdit
from pmtaform.lang.tree import Tree


def after_edits(before: Configuration, edits: Mapping[str, FileEdit], files: Mapping[str, bytes]) -> Configuration:
    """The configuration `before` once the edits are made.

    `files` are the contents of the files that are there then, by absolute path; those of edited files are not read.
    Only what differs from `before` is parsed.
    """
    others = ((path, tree) for path, tree in before.trees.items() if path in files and path not in edits)
    trees = {path: tree for path, tree in others if tree.to_bytes() == files[path]}
    with gc_paused():
        for path, edit in edits.items():
            trees[path] = _edited(before.trees.get(path), edit)
    return read_configuration(before.main, files, before.patterns, trees=trees)


def _edited(tree: Tree | None, edit: FileEdit) -> Tree:
    """The tree of a file after its edit."""
    after = None
    if tree is not None and not edit.is_new:
        after = spliced(tree, [Replacement(start, end, "".join(lines)) for start, end, lines in edit.ordered])
    return parse(edit.text, edit.path, scope=tree.scope if tree is not None else "global") if after is None else after
