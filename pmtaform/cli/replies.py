"""`pmtaform replies`: what SMTP replies mean, and what a configuration does with them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pmtaform.cli.context import Format, settings
from pmtaform.cli.options import FormatOption, StackOption
from pmtaform.diagnostics.codes.policy import AGAINST_ALONE, REPLIES_MISSING

if TYPE_CHECKING:
    from pmtaform.sources import LoadedConfiguration

_CONFIGURATION = "a configuration file, a folder (a machine's root or its /etc/pmta), or a host of a stack."


_Source = Annotated[
    str | None,
    typer.Argument(
        metavar="TEXT|FILE|-",
        help="A reply in quotes; a file with one reply a line, or with accounting records (CSV); - for stdin.",
    ),
]
_Config = Annotated[
    str | None, typer.Option("--config", metavar="PATH|HOST", help=f"Also show what it does: {_CONFIGURATION}")
]
_Against = Annotated[
    str | None,
    typer.Option("--against", metavar="PATH|HOST", help="Only replies whose effect differs from this one's."),
]
_Domain = Annotated[str | None, typer.Option("--domain", help="The recipient domain: whose rules and whose queue.")]


def replies(
    source: _Source = None,
    domain: _Domain = None,
    provider: Annotated[str | None, typer.Option("--provider", help="The id of the provider that replied.")] = None,
    vmta: Annotated[str | None, typer.Option("--vmta", help="The virtual MTA of the queue.")] = None,
    config: _Config = None,
    against: _Against = None,
    every: Annotated[bool, typer.Option("--all", help="List every reply that is listed by example.")] = False,
    stack: StackOption = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Explain SMTP replies: their class, the rule that takes them, and whether the mail is lost.

    With --config and --against: show which replies change their effect between two configurations. Without replies,
    those are the labelled ones that come with pmtaform.
    """
    from pmtaform.api.replies import ReplyQuestion, answer_replies, compare_replies, read_replies
    from pmtaform.cli.output import show
    from pmtaform.errors import UsageError
    from pmtaform.policy.catalogue import library
    from pmtaform.report.replies import ReplyTable
    from pmtaform.report.reply_changes import ReplyChangeTable

    if against is not None and config is None:
        raise UsageError.of(AGAINST_ALONE, f"Name the new configuration:\n    --config PATH --against {against}")
    if source is None and against is None:
        raise UsageError.of(REPLIES_MISSING, 'Give a reply, a file or -:\n    pmtaform replies "421 4.7.0 Try again"')
    question = ReplyQuestion(domain=domain, provider=provider, vmta=vmta)
    texts = read_replies(source, sys.stdin.buffer.read) if source is not None else None
    loaded = _loaded(config, stack) if config is not None else None
    if against is not None and loaded is not None:
        show(ReplyChangeTable(compare_replies(texts, question, _loaded(against, stack), loaded)), format)
    elif texts is not None:
        show(ReplyTable(answer_replies(texts, question, loaded), library().latest.publications, every), format)


def _loaded(target: str, stack: str | None) -> LoadedConfiguration:
    """A configuration, and on stderr what of it was not read."""
    from pmtaform.api.targets import project_if_any, read_target
    from pmtaform.cli.output import tell

    loaded = read_target(target, project_if_any(settings.directory), stack)
    tell(loaded.problems)
    return loaded
