"""`pmtaform effective`: what PowerMTA would use for a queue, with the lines that decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pmtaform.cli.context import Format, settings
from pmtaform.cli.effective_client import Asked, submission
from pmtaform.diagnostics import Exit
from pmtaform.diagnostics.codes.command_line import NO_SUCH_VIRTUAL_MTA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pmtaform.lang.effective import Effective
    from pmtaform.report.effective import QueueView


def effective(
    target: Annotated[
        str,
        typer.Argument(
            metavar="PATH|HOST",
            help="A configuration file, a folder (a machine's root or its /etc/pmta), or a host of a stack.",
        ),
    ],
    vmta: Annotated[str | None, typer.Option("--vmta", help="Only this virtual MTA or pool.")] = None,
    domain: Annotated[
        str | None, typer.Option("--domain", help="Only this domain; *.example.com or * for any that is not named.")
    ] = None,
    backoff: Annotated[bool, typer.Option("--backoff", help="Also what back-off mode would use.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Also the directives that keep their default.")] = False,
    client: Annotated[
        str | None,
        typer.Option("--client", help="The sources of this client instead: an address, a network, or {pickup}."),
    ] = None,
    listener: Annotated[str | None, typer.Option("--listener", help="Its listener, ADDRESS:PORT.")] = None,
    user: Annotated[str | None, typer.Option("--user", help="The SMTP user it logs in as.")] = None,
    mail_from: Annotated[str | None, typer.Option("--mail-from", help="Sender of its message.")] = None,
    rcpt_to: Annotated[str | None, typer.Option("--rcpt-to", help="Recipient of its message.")] = None,
    header: Annotated[
        list[str] | None,
        typer.Option("--header", help="Header of its message, NAME: VALUE; NAME alone: it has none."),
    ] = None,
    x_virtual_mta: Annotated[str | None, typer.Option("--x-virtual-mta", help="Its X-Virtual-MTA header.")] = None,
    merge_virtual_mta: Annotated[
        str | None, typer.Option("--merge-virtual-mta", help="Its *vmta merge variable.")
    ] = None,
    stack: Annotated[str | None, typer.Option("--stack", help="The stack that HOST is of.")] = None,
    format: Annotated[Format, typer.Option(help="Output format.")] = Format.TEXT,  # noqa: A002
) -> int:
    """Show what PowerMTA would use, value by value: the line that decided, and those that it overruled."""
    from pmtaform.api.targets import project_if_any, read_target
    from pmtaform.cli.output import show, tell
    from pmtaform.lang.effective import Effective
    from pmtaform.report.clients import SubmissionView
    from pmtaform.report.effective import Queues

    loaded = read_target(target, project_if_any(settings.directory), stack)
    tell(loaded.problems)
    found = Effective(loaded.configuration, loaded.defaults)
    asked = Asked(
        client=client,
        listener=listener,
        user=user,
        mail_from=mail_from,
        rcpt_to=rcpt_to,
        headers=tuple(header or ()),
        virtual_mta_header=x_virtual_mta,
        merge_variable=merge_virtual_mta,
    )
    if asked.is_about_a_client:
        made = submission(found, asked)
        show(SubmissionView(made, loaded.where, every), format)
        return Exit.OK if made.route.is_certain else Exit.ERROR
    _require(found, vmta)
    queues = list(_queues(found, vmta, domain, backoff=backoff))
    show(Queues(queues, loaded.where, every), format)
    return Exit.OK


def _require(effective: Effective, vmta: str | None) -> None:
    from pmtaform.diagnostics import did_you_mean
    from pmtaform.errors import UsageError

    if vmta is not None and not effective.knows(vmta):
        known = [*effective.virtual_mtas(), *effective.pools()]
        near = did_you_mean(vmta, known) or f" There are: {', '.join(known[:20])}."
        detail = f'No virtual MTA and no pool is called "{vmta}".{near}'
        raise UsageError.of(NO_SUCH_VIRTUAL_MTA, detail)


def _queues(effective: Effective, vmta: str | None, domain: str | None, *, backoff: bool) -> Iterator[QueueView]:
    """The queues that the options ask for."""
    from pmtaform.lang.effective import DEFAULT_VMTA
    from pmtaform.report.effective import QueueView

    told: set[str] = set()  # the virtual MTAs whose own values were

    def queue(domain: str, vmta: str, only: frozenset[str] | None = None, like: tuple[str, ...] = ()) -> QueueView:
        found = effective.settings(domain, vmta)
        begins = effective.backoff_begins(found) if backoff else None
        owner = vmta not in told
        told.add(vmta)
        return QueueView(settings=found, only=only, owner=owner, like=like, begins=begins)

    if domain is not None:
        yield from _one(queue(domain, vmta or DEFAULT_VMTA), queue)
    if domain is not None and vmta is None:
        for only, names in _unlike_default(effective, domain):
            yield queue(domain, names[0], only, tuple(names[1:]))
    elif domain is None and vmta is not None:
        for each in effective.domains(vmta):
            yield queue(each, vmta)
    elif domain is None:
        for each, owner in effective.pairs_of_interest():
            yield queue(each, owner)


def _one(first: QueueView, queue: Callable[[str, str], QueueView]) -> Iterator[QueueView]:
    """A queue, and the one that its mail is put in instead."""
    yield first
    target = first.settings.queue_to
    if target and target != first.settings.domain:
        yield queue(target, first.settings.vmta)


def _unlike_default(effective: Effective, domain: str) -> Iterator[tuple[frozenset[str], list[str]]]:
    """The virtual MTAs in which a domain is not as without one: what differs, and in which."""
    from pmtaform.lang.effective import DEFAULT_VMTA

    usual = effective.meaning(domain, DEFAULT_VMTA)
    groups: dict[frozenset[tuple[str, tuple[str, ...]]], list[str]] = {}
    for vmta in effective.virtual_mtas()[1:]:
        meaning = effective.meaning(domain, vmta)
        if meaning != usual:
            groups.setdefault(frozenset(meaning.items()), []).append(vmta)
    for meaning_items, names in groups.items():
        here = dict(meaning_items)
        yield frozenset(n for n in {*here, *usual} if here.get(n) != usual.get(n)), names
