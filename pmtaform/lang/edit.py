"""The smallest edit of a host's files that makes its blocks the wanted ones.

A changed value changes its line and no other: comments, indentation and order stay, and so does every line that no
difference concerns. An edit is a list of splices; text and unified diff come from them without comparing the files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pmtaform.lang.align import Pair, align
from pmtaform.lang.blocks import (
    Address,
    Block,
    BlockPart,
    blocks_of,
    is_ordered,
    order_matters,
)
from pmtaform.lang.catalogue import GLOBAL, catalogue
from pmtaform.lang.includes import Configuration
from pmtaform.lang.items import ListItem, children_of, content_of_head, grouped, items_of
from pmtaform.lang.layout import indent_of, render, replace_value, start_of, with_eol
from pmtaform.lang.parsing import parse
from pmtaform.lang.placement import Placement
from pmtaform.lang.splices import FileEdit, Splice
from pmtaform.lang.tree import Directive, Junk, Node, Section, Tree

__all__ = ["FileEdit", "Splice", "edit"]

INDENT: Final = "    "


def edit(
    configuration: Configuration,
    wanted: Mapping[Address, Block],
    remove: Iterable[Address] = (),
    *,
    files: Mapping[Address, str] | None = None,
    live: Mapping[Address, Block] | None = None,
    before: Mapping[Address, BlockPart] | None = None,
) -> dict[str, FileEdit]:
    """The edits, by path, after which `configuration` has every block of `wanted` and none of `remove`.

    `files` names the file for a new block (else it goes where its kind is, or into the main file);
    a file that is not there yet is created. `live` are the configuration's blocks, if the caller has them. `before` are
    live blocks that move, and what each goes right above. Files that need no change are left out.
    """
    before = before or {}
    live = blocks_of(configuration) if live is None else live
    editor = _Editor(configuration)
    for address in remove:
        if address in live:
            for part in live[address].parts:
                editor.delete(part.tree, part.node)
    new: dict[Address, Block] = {}
    for address, user in before.items():
        editor.move(live[address], wanted.get(address), user)
    for address, block in wanted.items():
        if address in before:
            continue
        if address not in live:
            new[address] = block
        elif not live[address].same_as(block):
            editor.update_block(live[address], block)
    editor.insert_blocks(new, live, wanted, files or {})
    return editor.result()


class _Editor:
    """Collects the splices of one edit, by file."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.trees: dict[str, Tree] = dict(configuration.trees)
        self.splices: dict[str, list[Splice]] = {}

    def result(self) -> dict[str, FileEdit]:
        edits = {}
        for path, splices in self.splices.items():
            file_edit = FileEdit(
                path, self.trees[path].lines, tuple(splices), is_new=path not in self.configuration.trees
            )
            if file_edit.changes_something:
                edits[path] = file_edit
        return edits

    def splice(self, tree: Tree, start: int, end: int, lines: Sequence[str]) -> None:
        self.splices.setdefault(tree.path, []).append(Splice(start, end, tuple(lines)))

    # -- whole nodes -------------------------------------------------------------------------------------------------

    def delete(self, tree: Tree, node: Node, start: int | None = None) -> None:
        """Remove a node's lines, from `start` on, and one of two blank lines that would then be adjacent."""
        start, end = node.line - 1 if start is None else start, node.end
        lines = tree.lines
        if isinstance(node, Section) and start > 0 and not lines[start - 1].strip():
            if end < len(lines) and not lines[end].strip():
                end += 1
            elif end == len(lines):
                start -= 1
        self.splice(tree, start, end, ())

    def move(self, live: Block, wanted: Block | None, user: BlockPart) -> None:
        """Put a live block, or the wanted one in its place, right above `user`, with the comments above it."""
        eol = user.tree.eol
        lines: list[str] = []
        for part in live.parts:
            start = start_of(part.tree, part.node)
            end = part.node.end if wanted is None else part.node.line - 1
            lines += with_eol(part.tree.lines[start:end], eol)
            self.delete(part.tree, part.node, start)
        for part in wanted.parts if wanted is not None else ():
            lines += render(part, "", eol)
        self.insert(user.tree, start_of(user.tree, user.node), [*lines, eol])

    def replace(self, live: BlockPart, wanted: BlockPart) -> None:
        """Put the wanted node where the live one is."""
        lines = render(wanted, indent_of(live.tree, live.node), live.tree.eol)
        end = live.node.end
        if end == len(live.tree.lines) and not live.tree.lines[-1].endswith("\n"):
            lines[-1] = lines[-1].rstrip("\r\n")
        self.splice(live.tree, live.node.line - 1, end, lines)

    def insert(self, tree: Tree, at: int, lines: Sequence[str]) -> None:
        """Put lines before line index `at`."""
        if not lines:
            return
        lines = list(lines)
        if at > 0 and at == len(tree.lines) and not tree.lines[-1].endswith("\n"):
            lines[0] = tree.eol + lines[0]
            lines[-1] = lines[-1].rstrip("\r\n")
        self.splice(tree, at, at, lines)

    # -- blocks ------------------------------------------------------------------------------------------------------

    def update_block(self, live: Block, wanted: Block) -> None:
        first = live.parts[0].node
        ordered = isinstance(first, Section) or order_matters(GLOBAL, first.name)
        self.update_list(items_of(live.parts, GLOBAL), items_of(wanted.parts, GLOBAL), GLOBAL, ordered=ordered, at=None)

    def update_list(
        self,
        live: Sequence[ListItem],
        wanted: Sequence[ListItem],
        scope: str,
        *,
        ordered: bool,
        at: tuple[Tree, int] | None,
    ) -> None:
        """Make a list of lines or sections the wanted one. `at`: where the first goes when there is none yet."""
        pairs = align([i.content for i in live], [i.content for i in wanted], ordered=ordered)
        last: BlockPart | None = None
        pending: list[BlockPart] = []
        for pair in pairs:
            if pair.left is None:
                pending.append(wanted[pair.right].part)  # type: ignore[index]
                continue
            part = live[pair.left].part
            self._put(pending, last, part, at)
            pending = []
            self._update_pair(pair, live, wanted, scope)
            last = part
        self._put(pending, last, None, at)

    def _update_pair(self, pair: Pair, live: Sequence[ListItem], wanted: Sequence[ListItem], scope: str) -> None:
        item = live[pair.left]  # type: ignore[index]
        if pair.right is None:
            self.delete(item.part.tree, item.part.node)
        elif item.content != wanted[pair.right].content:
            self.update_node(item.part, wanted[pair.right].part, scope)

    def _put(
        self, parts: Sequence[BlockPart], after: BlockPart | None, before: BlockPart | None, at: tuple[Tree, int] | None
    ) -> None:
        """Insert parts beside a live neighbour of theirs."""
        if not parts:
            return
        if after is not None:
            tree, line, indent = after.tree, after.node.end, indent_of(after.tree, after.node)
        elif before is not None:
            tree, line, indent = before.tree, before.node.line - 1, indent_of(before.tree, before.node)
        elif at is not None:
            tree, line = at
            indent = INDENT
        else:
            raise AssertionError("a block without lines cannot be inserted")
        lines = [text for part in parts for text in render(part, indent, tree.eol)]
        self.insert(tree, line, lines)

    def update_node(self, live: BlockPart, wanted: BlockPart, scope: str) -> None:
        """Make one line or section the wanted one."""
        old, new = live.node, wanted.node
        if isinstance(old, Directive) and isinstance(new, Directive):
            known = catalogue()
            same_name = known.canonical(scope, old.name) == known.canonical(scope, new.name)
            line = replace_value(live.tree, old, new.value) if same_name and old.span == 1 else None
            if line is not None:
                self.splice(live.tree, old.line - 1, old.end, [line])
                return
        elif isinstance(old, Section) and isinstance(new, Section) and self._same_head(old, new):
            self.update_section(live.tree, old, wanted.tree, new)
            return
        self.replace(live, wanted)

    def _same_head(self, old: Section, new: Section) -> bool:
        return old.closed and old.tag == new.tag and content_of_head(old) == content_of_head(new)

    # -- inside a section ----------------------------------------------------------------------------------------------

    def update_section(self, tree: Tree, live: Section, wanted_tree: Tree, wanted: Section) -> None:
        here = children_of(tree, live)
        there = children_of(wanted_tree, wanted)
        if is_ordered(live.tag):
            self._update_children(tree, live, here, there, ordered=True)
            return
        groups = grouped(here)
        wishes = grouped(there)
        for key, items in groups.items():
            ordered = key[0] == "<" or order_matters(live.tag, key[-1])
            self.update_list(items, wishes.get(key, []), live.tag, ordered=ordered, at=None)
        fresh = [(key, items) for key, items in wishes.items() if key not in groups]
        self._insert_directives(tree, live, [i for key, items in fresh if key[0] != "<" for i in items])
        self._insert_sections(tree, live, [i for key, items in fresh if key[0] == "<" for i in items])

    def _update_children(
        self, tree: Tree, section: Section, here: Sequence[ListItem], there: Sequence[ListItem], *, ordered: bool
    ) -> None:
        if here:
            self.update_list(here, there, section.tag, ordered=ordered, at=None)
        else:
            indent = _inner_indent(tree, section)
            lines = [text for item in there for text in render(item.part, indent, tree.eol)]
            self.insert(tree, section.line, lines)

    def _insert_directives(self, tree: Tree, section: Section, items: Sequence[ListItem]) -> None:
        """New directives go after the section's last one, before nested sections."""
        before = [c for c in section.children if isinstance(c, Directive)]
        at = before[-1].end if before else section.line
        indent = _inner_indent(tree, section)
        self.insert(tree, at, [text for item in items for text in render(item.part, indent, tree.eol)])

    def _insert_sections(self, tree: Tree, section: Section, items: Sequence[ListItem]) -> None:
        """New nested sections go to the end."""
        indent = _inner_indent(tree, section)
        self.insert(tree, section.end - 1, [text for item in items for text in render(item.part, indent, tree.eol)])

    # -- new blocks --------------------------------------------------------------------------------------------------

    def insert_blocks(
        self,
        new: Mapping[Address, Block],
        live: Mapping[Address, Block],
        wanted: Mapping[Address, Block],
        files: Mapping[Address, str],
    ) -> None:
        if not new:
            return
        placement = Placement(self.configuration, live, wanted, files)
        for path, at, blocks in placement.positions(new):
            tree = self.trees.get(path)
            if tree is None:
                tree = self.trees[path] = parse("", path)
            self.insert(tree, at, self._spaced(tree, at, blocks))

    def _spaced(self, tree: Tree, at: int, blocks: Sequence[Block]) -> list[str]:
        """The lines of new blocks, sections set off by one blank line."""
        eol = tree.eol
        lines: list[str] = []
        previous_is_setting = (
            at > 0 and bool(tree.lines[at - 1].strip()) and not tree.lines[at - 1].lstrip().startswith("</")
        )
        has_line_before = at > 0 and bool(tree.lines[at - 1].strip())
        for block in blocks:
            for part in block.parts:
                is_section = isinstance(part.node, Section)
                if has_line_before and (is_section or not previous_is_setting):
                    lines.append(eol)
                lines.extend(render(part, "", eol))
                has_line_before, previous_is_setting = True, not is_section
        follows = at < len(tree.lines) and bool(tree.lines[at].strip())
        next_is_setting = follows and not tree.lines[at].lstrip().startswith(("<", "#"))
        if follows and not (previous_is_setting and next_is_setting):
            lines.append(eol)
        return with_eol(lines, eol)


def _inner_indent(tree: Tree, section: Section) -> str:
    for child in section.children:
        if not isinstance(child, Junk):
            return indent_of(tree, child)
    return indent_of(tree, section) + INDENT
