"""`pmtaform effective`: what PowerMTA would use for a queue, with the lines that decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from pmtaform.cli.context import Format, settings
from pmtaform.cli.effective_client import (
    Asked,
    ClientOption,
    HeaderOption,
    ListenerOption,
    MailFromOption,
    MergeVariableOption,
    RcptToOption,
    UserOption,
    VirtualMtaHeaderOption,
    submission,
)
from pmtaform.cli.options import FormatOption, StackOption
from pmtaform.diagnostics import Exit
from pmtaform.diagnostics.codes.command_line import NO_SUCH_VIRTUAL_MTA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pmtaform.lang.effective import Effective
    from pmtaform.report.clients import SubmissionView
    from pmtaform.report.effective import Queues, QueueView
    from pmtaform.sources import LoadedConfiguration


_Target = Annotated[
    str,
    typer.Argument(
        metavar="PATH|HOST",
        help="A configuration file, a folder (a machine's root or its /etc/pmta), or a host of a stack.",
    ),
]
_Vmta = Annotated[str | None, typer.Option("--vmta", help="Only this virtual MTA or pool.")]
_Domain = Annotated[
    str | None, typer.Option("--domain", help="Only this domain; *.example.com, or * for any that is not named.")
]
_Backoff = Annotated[bool, typer.Option("--backoff", help="Also show what back-off mode uses.")]
_All = Annotated[bool, typer.Option("--all", help="Also show the directives that keep their default.")]


def effective(
    target: _Target,
    vmta: _Vmta = None,
    domain: _Domain = None,
    backoff: _Backoff = False,
    every: _All = False,
    client: ClientOption = None,
    listener: ListenerOption = None,
    user: UserOption = None,
    mail_from: MailFromOption = None,
    rcpt_to: RcptToOption = None,
    header: HeaderOption = None,
    x_virtual_mta: VirtualMtaHeaderOption = None,
    merge_virtual_mta: MergeVariableOption = None,
    stack: StackOption = None,
    format: FormatOption = Format.TEXT,
) -> int:
    """Show what PowerMTA uses, value by value: the line that decides, and those that it overrules."""
    from pmtaform.api.targets import project_if_any, read_target
    from pmtaform.cli.output import show, tell

    loaded = read_target(target, project_if_any(settings.directory), stack)
    tell(loaded.problems)
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
        view = _client_view(loaded, asked, every=every)
        show(view, format)
        return Exit.OK if view.submission.route.is_certain else Exit.ERROR
    show(_queue_view(loaded, _Wanted(vmta, domain, backoff), every=every), format)
    return Exit.OK


class _Wanted(NamedTuple):
    """The queues that are wanted; None: all of them."""

    vmta: str | None
    domain: str | None
    backoff: bool


def _client_view(loaded: LoadedConfiguration, asked: Asked, *, every: bool) -> SubmissionView:
    from pmtaform.lang.effective import Effective
    from pmtaform.report.clients import SubmissionView

    return SubmissionView(submission(Effective(loaded.configuration, loaded.defaults), asked), loaded.where, every)


def _queue_view(loaded: LoadedConfiguration, wanted: _Wanted, *, every: bool) -> Queues:
    from pmtaform.lang.effective import Effective
    from pmtaform.report.effective import Queues

    effective = Effective(loaded.configuration, loaded.defaults)
    _require(effective, wanted.vmta)
    queues = list(_queues(effective, wanted.vmta, wanted.domain, backoff=wanted.backoff))
    return Queues(queues, loaded.where, every)


def _require(effective: Effective, vmta: str | None) -> None:
    from pmtaform.diagnostics import did_you_mean, some_of
    from pmtaform.errors import UsageError

    if vmta is not None and not effective.knows(vmta):
        known = [*effective.virtual_mtas(), *effective.pools()]
        near = did_you_mean(vmta, known) or f" There are: {some_of(known)}."
        detail = f'No virtual MTA and no pool is called "{vmta}".{near}'
        raise UsageError.of(NO_SUCH_VIRTUAL_MTA, detail)


def _queues(effective: Effective, vmta: str | None, domain: str | None, *, backoff: bool) -> Iterator[QueueView]:
    """The queues that the options select."""
    from pmtaform.lang.effective import DEFAULT_VMTA
    from pmtaform.report.effective import QueueView

    shown: set[str] = set()  # the virtual MTAs whose own values were

    def queue(domain: str, vmta: str, only: frozenset[str] | None = None, like: tuple[str, ...] = ()) -> QueueView:
        settings = effective.settings(domain, vmta)
        begins = effective.backoff_begins(settings) if backoff else None
        owner = vmta not in shown
        shown.add(vmta)
        return QueueView(settings=settings, only=only, owner=owner, like=like, begins=begins)

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
