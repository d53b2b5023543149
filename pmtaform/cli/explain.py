"""`pmtaform explain`: a directive, a section, a code, or where a host's values were written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from pmtaform.cli.context import Format, settings
from pmtaform.cli.options import FormatOption, StackOption

if TYPE_CHECKING:
    from pmtaform.errors import PmtaformError


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
    elif code:
        if not _explain_code(name, format):
            raise _no_code(name)
    elif _explain(name, scope, format):
        if format is Format.TEXT and scope is None:
            _explain_code(name, format, below=True)
    elif scope is not None or not _explain_code(name, format):
        raise _unknown(name, scope)


def _explain(name: str, scope: str | None, format: Format) -> bool:
    """Show what is known of a directive or a section; whether there is one of this name."""
    from pmtaform.cli.output import show
    from pmtaform.lang import explain as knowledge
    from pmtaform.report.explain import ExplanationView

    explanation = knowledge.explain(name, scope)
    if explanation is not None:
        show(ExplanationView(explanation), format)
    return explanation is not None


def _explain_code(name: str, format: Format, *, below: bool = False) -> bool:
    """Show what a code means, `below` another explanation or alone; whether there is one of this name."""
    from pmtaform.api.explaining import explain_code
    from pmtaform.cli.output import show
    from pmtaform.report.codes import CodeView

    entries = explain_code(_code(name))
    if entries:
        if below:
            print()
        show(CodeView(entries), format)
    return bool(entries)


def _code(name: str) -> str:
    """A code as it is in the tables; messages print it in brackets."""
    return name.strip().strip("[]").lower()


def _no_code(name: str) -> PmtaformError:
    from pmtaform.api.explaining import nearest_code
    from pmtaform.diagnostics.codes.command_line import UNKNOWN_NAME
    from pmtaform.errors import UsageError

    near = nearest_code(_code(name)) or " docs/errors.md, docs/rules.md and docs/dangers.md list all codes."
    return UsageError.of(UNKNOWN_NAME, f'No message, lint rule or danger has the code "{name}".{near}')


def _unknown(name: str, scope: str | None) -> PmtaformError:
    from pmtaform.api.explaining import nearest_code
    from pmtaform.errors import UsageError
    from pmtaform.lang import explain as knowledge

    problem = knowledge.unknown(name, scope)
    near = "" if "Did you mean" in problem.detail else nearest_code(_code(name))
    return UsageError(replace(problem, detail=problem.detail + near))


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
