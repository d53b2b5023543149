"""What would be written, as a unified diff with secrets masked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import unified_diff

from pmtaform.lang.splices import FileEdit
from pmtaform.lang.tree import split_lines
from pmtaform.report.masking import masked_line
from pmtaform.report.style import Style, clean


def diff_lines(edits: Mapping[str, FileEdit], show: Callable[[str], str] = masked_line) -> list[str]:
    """The diff of all `edits` of one host, in the order of their paths. Files that stay as they are are left out."""
    lines: list[str] = []
    for path in sorted(edits):
        if edits[path].changes_something or edits[path].is_new:
            old, new, *body = edits[path].diff(show)
            lines += [clean(old), clean(new), *body]
    return lines


def diff_text(
    host: str, edits: Mapping[str, FileEdit], show: Callable[[str], str] = masked_line, *, colour: bool = False
) -> str:
    """The diff of one host under its name. No edits: the empty text."""
    lines = diff_lines(edits, show)
    if not lines:
        return ""
    style = Style(colour)
    body = (style(line, *diff_styles(line)) for line in lines)
    return "\n".join([style(f"Text diff of {clean(host)}:", "bold"), *body]) + "\n"


def layout_diff(name: str, before: str, after: str) -> list[str]:
    """The diff of one file between two layouts; a change of line ends, or of a missing last one, can be seen."""
    old, new, *body = unified_diff(split_lines(before), split_lines(after), clean(name), clean(name))
    mixed = before.count("\r\n") not in (0, before.count("\n"))
    lines = [old.rstrip("\n"), new.rstrip("\n")]
    for line in body:
        lines.append(line[0] + masked_line(line[1:]) + ("^M" if mixed and line.endswith("\r\n") else ""))
        if not line.endswith("\n"):
            lines.append("\\ No newline at end of file")
    return lines


def diff_styles(line: str) -> tuple[str, ...]:
    """How a line of a unified diff is coloured."""
    if line.startswith(("--- ", "+++ ")):
        return ("bold",)
    colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
    return (colour,) if colour else ()
