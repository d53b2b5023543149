"""`pmtaform effective --client`: the sources that hold for a client, and the virtual MTA that its message gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pmtaform.diagnostics.codes.command_line import CLIENT_MISSING, NO_SUCH_CLIENT, NO_SUCH_LISTENER, NO_SUCH_SMTP_USER
from pmtaform.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pmtaform.diagnostics import Definition
    from pmtaform.lang.effective import Effective, Message
    from pmtaform.lang.values.networks import Network
    from pmtaform.report.clients import Submission


ClientOption = Annotated[
    str | None, typer.Option("--client", help="Show the sources of this client: an address, a network, or {pickup}.")
]
ListenerOption = Annotated[str | None, typer.Option("--listener", help="The client's listener, ADDRESS:PORT.")]
UserOption = Annotated[str | None, typer.Option("--user", help="The SMTP user that the client logs in as.")]
MailFromOption = Annotated[str | None, typer.Option("--mail-from", help="Sender of the client's message.")]
RcptToOption = Annotated[str | None, typer.Option("--rcpt-to", help="Recipient of the client's message.")]
HeaderOption = Annotated[
    list[str] | None,
    typer.Option(
        "--header", help="Header of the message, NAME: VALUE; NAME alone: the message has no such header. Repeatable."
    ),
]
VirtualMtaHeaderOption = Annotated[
    str | None, typer.Option("--x-virtual-mta", help="X-Virtual-MTA header of the message.")
]
MergeVariableOption = Annotated[
    str | None, typer.Option("--merge-virtual-mta", help="*vmta merge variable of the message.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked on the command line; None: not given."""

    client: str | None = None
    listener: str | None = None
    user: str | None = None
    mail_from: str | None = None
    rcpt_to: str | None = None
    headers: tuple[str, ...] = ()
    virtual_mta_header: str | None = None
    merge_variable: str | None = None

    @property
    def is_about_a_client(self) -> bool:
        """Whether any of the options was given. Raises `UsageError` when the client itself is missing."""
        if self.client is None and self != Asked():
            raise UsageError.of(CLIENT_MISSING, "These options are about a client: add --client ADDRESS.")
        return self.client is not None


def submission(effective: Effective, asked: Asked) -> Submission:
    """What holds for the client, and where its message goes. Raises `UsageError` for names that are not there."""
    from pmtaform.lang.effective import Client, client_settings, listeners, route, users
    from pmtaform.lang.values import normalise_argument
    from pmtaform.report.clients import Submission

    address = asked.client or ""
    listener, user = "", ""
    if asked.listener is not None:
        listener = _one_of(
            NO_SUCH_LISTENER, "listener", normalise_argument("smtp-listener", asked.listener), listeners(effective)
        )
    if asked.user is not None:
        user = _one_of(NO_SUCH_SMTP_USER, "SMTP user", asked.user, users(effective))
    network, named = _address(effective, address)
    settings = client_settings(effective, Client(network, listener, user, named))
    return Submission(
        address=address,
        listener=asked.listener or "",
        user=asked.user or "",
        settings=settings,
        route=route(effective, settings, _message(asked)),
    )


def _one_of(unknown: Definition, noun: str, name: str, known: Mapping[str, str]) -> str:
    from pmtaform.diagnostics import did_you_mean, some_of

    if name in known:
        return known[name]
    near = did_you_mean(name, known) or (f" There are: {some_of(known)}." if known else " There is none.")
    raise UsageError.of(unknown, f'No {noun} "{name}".{near}')


def _address(effective: Effective, text: str) -> tuple[Network | None, str]:
    """A client's address or network; or a named source alone, such as `{pickup}`."""
    from pmtaform.lang.effective.sources import client_network

    network = client_network(text)
    if network is not None:
        return network, ""
    if text.startswith("{") or effective.sources.knows(text):
        return None, text
    detail = f'"{text}" is no address (192.0.2.1), no network (10/8), and no <source> has that name ({{pickup}}).'
    raise UsageError.of(NO_SUCH_CLIENT, detail)


def _message(asked: Asked) -> Message:
    from pmtaform.lang.effective import Message

    def bare(text: str | None) -> str | None:
        return None if text is None else text.strip().removeprefix("<").removesuffix(">")

    return Message(
        mail_from=bare(asked.mail_from),
        rcpt_to=bare(asked.rcpt_to),
        headers=_headers(asked.headers),
        virtual_mta_header=asked.virtual_mta_header,
        merge_variable=asked.merge_variable,
    )


def _headers(given: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """`NAME: VALUE` as many as there are; `NAME` alone: the message does not have it."""
    headers: dict[str, tuple[str, ...]] = {}
    for text in given:
        name, colon, value = text.partition(":")
        key = name.strip().lower()
        headers[key] = (*headers.get(key, ()), value.strip()) if colon else ()
    return headers
