"""`pmtaform explain`: what a directive or a section is, or where a host's values were written."""

from __future__ import annotations

from typing import Annotated

import typer

from pmtaform.cli.context import Format, settings
from pmtaform.cli.options import FormatOption, StackOption


def explain(
    name: Annotated[
        str | None, typer.Argument(metavar="DIRECTIVE|SECTION|HOST", help="A directive, a <section>, or a host.")
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
    format: FormatOption = Format.TEXT,
) -> None:
    """Explain a directive or section (every fact with its basis), or where each value of a host's block was written."""
    from pmtaform.diagnostics.codes.command_line import NOTHING_TO_EXPLAIN
    from pmtaform.errors import UsageError

    if why is not None:
        host, _, block = why.partition(":")
        _why(host, block or "*", stack, format)
    elif search is not None:
        _search(search, format)
    elif name is None:
        raise UsageError.of(NOTHING_TO_EXPLAIN, "Name a directive, or search: --search WORDS.")
    elif address is not None:
        _why(name, address, stack, format)
    else:
        _explain(name, scope, format)


def _explain(name: str, scope: str | None, format: Format) -> None:
    from pmtaform.cli.output import show
    from pmtaform.errors import UsageError
    from pmtaform.lang import explain as knowledge
    from pmtaform.report.explain import ExplanationView

    found = knowledge.explain(name, scope)
    if found is None:
        raise UsageError(knowledge.unknown(name, scope))
    show(ExplanationView(found), format)


def _search(words: str, format: Format) -> None:
    from pmtaform.cli.output import show
    from pmtaform.lang import explain as knowledge
    from pmtaform.report.explain import SearchResult

    show(SearchResult(knowledge.search(words), words), format)


def _why(host: str, address: str, stack: str | None, format: Format) -> None:
    from pmtaform.api.origins import origins_of
    from pmtaform.cli.output import show
    from pmtaform.report.explain import OriginTable

    found = origins_of(settings.project().load(stack), host, address)
    show(OriginTable(found), format)
