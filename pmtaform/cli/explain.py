"""`pmtaform explain`: a directive, a section, a code, or where a host's values were written."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from pmtaform.cli.context import Format, settings
from pmtaform.cli.options import FormatOption, StackOption


def explain(
    name: Annotated[
        str | None,
        typer.Argument(metavar="DIRECTIVE|SECTION|CODE|HOST", help="A directive, a <section>, a code, or a host."),
    ] = None,
    address: Annotated[
        str | None, typer.Argument(metavar="[ADDRESS]", help="After a host: the block whose values to explain.")
    ] = None,
    scope: Annotated[str | None, typer.Option("--scope", help="Only what it means in this section, or global.")] = None,
    search: Annotated[str | None, typer.Option("--search", metavar="WORDS", help="Find directives by words.")] = None,
    why: Annotated[
        str | None, typer.Option("--why", metavar="HOST:ADDRESS", help="The same as HOST ADDRESS, as plans write it.")
    ] = None,
    stack: StackOption = None,
    code: Annotated[bool, typer.Option("--code", help="Only the code of this name, not the directive.")] = False,
    format: FormatOption = Format.TEXT,
) -> None:
    """Explain a directive or section (each fact with its basis), the code of a message, a lint rule or a danger.

    With a host: show where each value of its block was written.
    """
    from pmtaform.diagnostics.codes.command_line import NOTHING_TO_EXPLAIN
    from pmtaform.errors import UsageError

    if why is not None:
        host, _, block = why.partition(":")
        _why(host, block or "*", stack, format)
    elif search is not None:
        _search(search, format)
    elif name is None:
        raise UsageError.of(NOTHING_TO_EXPLAIN, "Name a directive or a code, or search: --search WORDS.")
    elif address is not None:
        _why(name, address, stack, format)
    elif code or not _explain(name, scope, format):
        _explain_code(name, scope, format)
    elif format is Format.TEXT and scope is None:
        _explain_code(name, scope, format, required=False)


def _explain(name: str, scope: str | None, format: Format) -> bool:
    """Show what is known of a directive or a section; whether there is one of this name."""
    from pmtaform.cli.output import show
    from pmtaform.lang import explain as knowledge
    from pmtaform.report.explain import ExplanationView

    explanation = knowledge.explain(name, scope)
    if explanation is not None:
        show(ExplanationView(explanation), format)
    return explanation is not None


def _explain_code(name: str, scope: str | None, format: Format, *, required: bool = True) -> None:
    from pmtaform.api.explaining import explain_code, nearest_code
    from pmtaform.cli.output import show
    from pmtaform.errors import UsageError
    from pmtaform.lang import explain as knowledge
    from pmtaform.report.codes import CodeView

    word = name.strip().strip("[]").lower()
    entries = explain_code(word) if scope is None else ()
    if entries:
        if not required:
            print()
        show(CodeView(entries), format)
    elif required:
        problem = knowledge.unknown(name, scope)
        near = "" if "Did you mean" in problem.detail else nearest_code(word)
        raise UsageError(replace(problem, detail=problem.detail + near))


def _search(words: str, format: Format) -> None:
    from pmtaform.cli.output import show
    from pmtaform.lang import explain as knowledge
    from pmtaform.report.explain import SearchResult

    show(SearchResult(knowledge.search(words), words), format)


def _why(host: str, address: str, stack: str | None, format: Format) -> None:
    from pmtaform.api.origins import origins_of
    from pmtaform.cli.output import show
    from pmtaform.report.explain import OriginTable

    origins = origins_of(settings.project().load(stack), host, address)
    show(OriginTable(origins), format)
