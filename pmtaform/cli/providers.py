"""`pmtaform providers`: what is known of mailbox providers, each fact with its source."""

from __future__ import annotations

from typing import Annotated

import typer

from pmtaform.cli.context import Format
from pmtaform.cli.options import FormatOption


def providers(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]", help="A provider: its id (also gmail@2026.11), a recipient domain, or the name of an MX."
        ),
    ] = None,
    diff: Annotated[
        str | None,
        typer.Option(
            "--diff",
            metavar="OLD",
            help="Compare a version, gmail@2026.11 or 2026.11 for all, with NAME; without NAME, with the newest.",
        ),
    ] = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Show what is known of mailbox providers: domains, MX names, limits, replies, and where each fact comes from."""
    from pmtaform.api.providers import compare_providers, provider_named
    from pmtaform.cli.output import show
    from pmtaform.policy.catalogue import library
    from pmtaform.report.providers import ProviderChangeTable, ProviderTable, ProviderView

    if diff is not None:
        show(ProviderChangeTable(compare_providers(diff, name)), format)
    elif name is not None:
        provider = provider_named(name)
        show(ProviderView(provider, library()[provider.version].publications), format)
    else:
        data = library().latest
        show(ProviderTable(data.version, tuple(data.providers.values())), format)
