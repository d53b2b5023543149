"""`pmtaform fmt`: native files in one layout."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pmtaform.cli.context import settings
from pmtaform.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pmtaform.diagnostics import Diagnostic


def fmt(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Files; or folders (a machine's root or its /etc/pmta), for config and what it includes; - for stdin.",
        ),
    ],
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 when a file is not laid out.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Write nothing; show what would change.")] = False,
) -> int:
    """Lay out native configuration files: indentation, blanks, aligned comments. What they mean stays the same."""
    from pmtaform.cli.output import tell

    found: list[Diagnostic] = []
    changed = 0
    for path in paths:
        for each in _files(path):
            changed += _one(each, found, write=not (check or diff), diff=diff, name=not diff)
    tell(found)
    return Exit.ERROR if found or (check and changed) else Exit.OK


def _files(path: str) -> Iterator[Path | None]:
    """The files that a path stands for; None is stdin. Vendor's config-defaults is not laid out: it is not ours."""
    from pmtaform.api.looking import look_at_path

    if path == "-":
        yield None
    elif Path(path).is_dir():
        looked = look_at_path(Path(path))
        for known in looked.configuration.trees:
            yield Path(looked.real[known])
    else:
        yield Path(path)


def _one(path: Path | None, found: list[Diagnostic], *, write: bool, diff: bool, name: bool) -> int:
    """Lay out one file; 1 when it was not yet."""
    from dataclasses import replace

    from pmtaform.cli.output import out
    from pmtaform.diagnostics import Place
    from pmtaform.lang.canonical import canonical
    from pmtaform.lang.tree import decode, encode

    content = _read(path)
    text = decode(content)
    laid_out = canonical(text, str(path or "stdin"))
    if laid_out.problem is not None:
        found.append(replace(laid_out.problem, place=Place(str(path or "stdin"))))
    differs = laid_out.text != text
    if diff and differs:
        _show(path, text, laid_out.text)
    if path is None and write:
        sys.stdout.flush()
        sys.stdout.buffer.write(encode(laid_out.text))
    elif differs and path is not None:
        if write:
            _write(path, encode(laid_out.text))
        if name:
            out(f"{path}\n")
    return int(differs)


def _read(path: Path | None) -> bytes:
    from pmtaform.diagnostics import Place
    from pmtaform.errors import UsageError

    if path is None:
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as problem:
        detail = f"{problem.strerror or problem}."
        raise UsageError.of("file-unreadable", "The file cannot be read", detail, place=Place(str(path))) from None


def _show(path: Path | None, before: str, after: str) -> None:
    from difflib import unified_diff

    from pmtaform.cli.output import out
    from pmtaform.lang.tree import split_lines
    from pmtaform.report import masked_line, wants_colour
    from pmtaform.report.diffs import diff_styles
    from pmtaform.report.style import Style, clean

    style = Style(not settings.no_color and wants_colour(sys.stdout))
    name = clean(str(path or "stdin"))
    old, new, *body = unified_diff(split_lines(before), split_lines(after), name, name)
    lines = [old.rstrip("\n"), new.rstrip("\n"), *(line[0] + masked_line(line[1:]) for line in body)]
    out("".join(style(line, *diff_styles(line)) + "\n" for line in lines))


def _write(path: Path, content: bytes) -> None:
    """Put the file in place whole, with the mode and the owner it has. Raises `PmtaformError`."""
    from pmtaform.diagnostics import Place
    from pmtaform.errors import PmtaformError

    target = path.resolve()
    try:
        known = target.stat()
        descriptor, scratch = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fchown(descriptor, known.st_uid, known.st_gid)
                os.fchmod(descriptor, known.st_mode & 0o7777)
                os.fsync(descriptor)
            Path(scratch).replace(target)
        except BaseException:
            Path(scratch).unlink(missing_ok=True)
            raise
    except OSError as problem:
        detail = f"{problem.strerror or problem}. It is as it was."
        place = Place(str(path))
        raise PmtaformError.of("file-not-written", "The file cannot be written", detail, place=place) from None
