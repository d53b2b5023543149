"""`pmtaform fmt`: native files in one layout."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from pmtaform.cli.context import settings
from pmtaform.diagnostics import Exit, Severity
from pmtaform.diagnostics.codes.command_line import NO_NATIVE_FILES
from pmtaform.diagnostics.codes.language import INCLUDE_NOT_READ
from pmtaform.diagnostics.codes.project_files import NOT_POWERMTA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pmtaform.diagnostics import Diagnostic
    from pmtaform.errors import UsageError


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
    """Lay out native configuration files: indentation, blanks, aligned comments. What they mean stays the same.

    Templates of other tools stay as they are. Files in another language (YAML, scripts) are refused.
    """
    from pmtaform.cli.output import tell

    problems: list[Diagnostic] = []
    changed = 0
    for each in _sources(paths, problems):
        changed += _one(each, problems, write=not (check or diff), diff=diff, name=not diff)
    tell(problems)
    failed = any(each.severity is Severity.ERROR for each in problems)
    return Exit.ERROR if failed or (check and changed) else Exit.OK


class _Source(NamedTuple):
    """One file that is to be laid out; `path` None is stdin."""

    path: Path | None
    content: bytes

    @property
    def name(self) -> str:
        """What the file is called in messages."""
        return str(self.path or "stdin")


def _sources(paths: list[str], problems: list[Diagnostic]) -> list[_Source]:
    """Every file, read. Raises `UsageError` before anything is written when one is no native configuration."""
    from pmtaform.errors import UsageError

    sources = [source for path in paths for source in _read(path, problems)]
    refused = [problem for source in sources if (problem := _refusal(source)) is not None]
    if refused:
        raise UsageError(*refused)
    return sources


def _refusal(source: _Source) -> Diagnostic | None:
    """Why a file is not laid out: it is not in PowerMTA's language."""
    from pmtaform.diagnostics import Place
    from pmtaform.lang.foreign import knows_no_line, language_of, template_of
    from pmtaform.lang.parsing import parse
    from pmtaform.lang.tree import decode

    text = decode(source.content)
    other = language_of(text, str(source.path or ""))
    if other is not None:
        what = f"It is {other.language}, not a native configuration."
    elif template_of(text) is None and knows_no_line(parse(text)):
        what = "Almost none of its lines are PowerMTA's."
    else:
        return None
    return NOT_POWERMTA.diagnostic(
        f"{what} Nothing was written.", Place(source.name, other.line if other is not None else None)
    )


def _read(path: str, problems: list[Diagnostic]) -> Iterator[_Source]:
    """The files that a path means. The vendor's config-defaults stays as it is: it is not ours."""
    from pmtaform.sources import read_named, read_path

    if path == "-":
        yield _Source(None, sys.stdin.buffer.read())
    elif not Path(path).is_dir():
        yield _Source(Path(path), read_named(Path(path)))
    elif _is_stack(Path(path)):
        raise _is_no_native(path)
    else:
        loaded = read_path(Path(path))
        problems += [problem for problem in loaded.problems if INCLUDE_NOT_READ.describes(problem)]
        for known, tree in loaded.configuration.trees.items():
            yield _Source(Path(loaded.real[known]), tree.to_bytes())


def _is_no_native(path: str) -> UsageError:
    from pmtaform.errors import UsageError

    detail = f"{path} is a stack. `pmtaform fmt` lays out native files; a stack's YAML stays as it was written."
    return UsageError.of(NO_NATIVE_FILES, detail)


def _is_stack(folder: Path) -> bool:
    """Whether a folder is a stack's: one of its YAML files names the stack."""
    for file in sorted(folder.glob("*.y*ml")):
        content = file.read_bytes() if file.is_file() else b""
        if file.name == "stack.yaml" or any(line.startswith(b"stack:") for line in content.splitlines()):
            return True
    return False


def _one(source: _Source, problems: list[Diagnostic], *, write: bool, diff: bool, name: bool) -> int:
    """Lay out one file; 1 when it was not yet."""
    from dataclasses import replace

    from pmtaform.cli.output import out
    from pmtaform.diagnostics import Place
    from pmtaform.lang.canonical import canonical
    from pmtaform.lang.tree import decode, encode
    from pmtaform.sources import replace_native

    path = source.path
    text = decode(source.content)
    laid_out = canonical(text, source.name)
    if laid_out.problem is not None:
        problems.append(replace(laid_out.problem, place=Place(source.name)))
    if laid_out.note is not None:
        problems.append(replace(laid_out.note, place=Place(source.name)))
    differs = laid_out.text != text
    if diff and differs:
        _show(source.name, text, laid_out.text)
    if path is None and write:
        sys.stdout.flush()
        sys.stdout.buffer.write(encode(laid_out.text))
    elif differs and path is not None:
        if write:
            replace_native(path, encode(laid_out.text))
        if name:
            out(f"{path}\n")
    return int(differs)


def _show(name: str, before: str, after: str) -> None:
    from pmtaform.cli.output import out
    from pmtaform.report import wants_colour
    from pmtaform.report.diffs import diff_styles, layout_diff
    from pmtaform.report.style import Style

    style = Style(not settings.no_color and wants_colour(sys.stdout))
    out("".join(style(line, *diff_styles(line)) + "\n" for line in layout_diff(name, before, after)))
