"""`pmtaform dns`: the DNS records of the fleet."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from pmtaform.cli.context import Format, settings
from pmtaform.cli.options import FormatOption, Hosts, StackArgument
from pmtaform.diagnostics import Exit
from pmtaform.diagnostics.codes.plans import DNS_OFF

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pmtaform.diagnostics import Diagnostic

app = typer.Typer(
    help="Check the DNS records of the fleet, or write them.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)


class RecordFormat(StrEnum):
    """How records are written; the same words as `pmtaform.dns.formats.As`, which is not imported for `--help`."""

    BIND = "bind"
    OCTODNS = "octodns"
    DNSCONTROL = "dnscontrol"
    ROUTE53 = "route53"
    CLOUDFLARE = "cloudflare"
    JSON = "json"


@app.command("check")
def check(
    stack: StackArgument = None,
    host: Hosts = None,
    format: FormatOption = Format.TEXT,
) -> int:
    """Check whether DNS fits the stack: reverse DNS, SPF, DKIM, DMARC, MX, addresses. Contacts no host.

    Exits 3 when something is wrong, 7 when nothing is wrong but DNS could not be asked.
    """
    from pmtaform.api.dns import check_stack_dns, dns_facts
    from pmtaform.cli.output import show, tell
    from pmtaform.report.dns import DnsCheck

    loaded = settings.project().load(stack)
    if loaded.dns.mode == "off":
        tell([_switched_off(loaded.name)])
        return Exit.OK
    facts, problems = dns_facts(loaded, host or ())
    tell(_as_warnings(problems))
    report = check_stack_dns(loaded, facts)
    show(DnsCheck(report), format)
    if report.is_wrong:
        return Exit.SOME_FAILED
    return Exit.UNREACHABLE if report.is_unknown else Exit.OK


@app.command("records")
def records(
    stack: StackArgument = None,
    as_: Annotated[RecordFormat | None, typer.Option("--as", help="What to write (bind).")] = None,
    zone: Annotated[str | None, typer.Option("--zone", help="Only records in this domain.")] = None,
    format: Annotated[Format, typer.Option("--format", help="json is --as json.")] = Format.TEXT,
) -> int:
    """Write the records that the stack needs: A, AAAA, PTR, SPF, DKIM, and a first DMARC policy."""
    from pmtaform.api.dns import dns_facts, dns_records
    from pmtaform.cli.output import out, tell
    from pmtaform.dns.formats import As, write_records

    loaded = settings.project().load(stack)
    facts, problems = dns_facts(loaded)
    tell(_as_warnings(problems))
    chosen = As(as_.value) if as_ else As.JSON if format is Format.JSON else As.BIND
    out(write_records(dns_records(facts, zone), chosen), exact=True)
    return Exit.OK


def _switched_off(name: str) -> Diagnostic:

    detail = f"The stack {name} has `dns: {{mode: off}}`, so no name server was asked. Write `mode: warn` to check DNS."
    return DNS_OFF.diagnostic(detail)


def _as_warnings(problems: Iterable[Diagnostic]) -> list[Diagnostic]:
    """A key that cannot be read takes its own record away and stops nothing."""
    from dataclasses import replace

    from pmtaform.diagnostics import Severity

    return [replace(problem, severity=Severity.WARNING) for problem in problems]
