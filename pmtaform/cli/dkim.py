"""`pmtaform dkim`: the keys that mail is signed with. A key is never shown, nor taken from an argument."""

from __future__ import annotations

from typing import Annotated

import typer

from pmtaform.cli.context import Format, settings
from pmtaform.cli.dns import RecordFormat
from pmtaform.cli.options import FormatOption, Hosts, StackArgument
from pmtaform.cli.rotate import rotate
from pmtaform.diagnostics import Exit

app = typer.Typer(
    help="The keys that mail is signed with: make them, list them, write their records, verify and rotate them.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

_Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[DOMAIN[/SELECTOR]] [STACK]", help="Only these keys, * matches any text; and the stack, if needed."
    ),
]
_To = Annotated[
    str | None,
    typer.Option("--to", metavar="REFERENCE", help="Where to store it, as keyring:NAME (default: the stack's place)."),
]
_As = Annotated[RecordFormat | None, typer.Option("--as", help="How to write the record (bind).")]


@app.command("generate")
def generate(
    name: Annotated[str, typer.Argument(metavar="DOMAIN[/SELECTOR]", help="The key's name; a selector is found.")],
    stack: StackArgument = None,
    bits: Annotated[int, typer.Option("--bits", help="Its size.")] = 2048,
    to: _To = None,
    as_: _As = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Make a key, store it, and print the record to publish. Never overwrites a key."""
    from pmtaform.cli.output_keys import print_kept_key
    from pmtaform.clock import SystemClock
    from pmtaform.signing.key_store import make_key

    loaded = settings.project().load(stack)
    print_kept_key(loaded, make_key(loaded, name, SystemClock().now(), bits=bits, to=to), format, as_)


@app.command("import")
def import_(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The private key in PEM form; - is standard input.")],
    name: Annotated[str, typer.Argument(metavar="DOMAIN/SELECTOR", help="The key's name.")],
    stack: StackArgument = None,
    to: _To = None,
    passphrase: Annotated[
        str | None, typer.Option("--passphrase", metavar="REFERENCE", help="Where its passphrase is, if it has one.")
    ] = None,
    as_: _As = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Store a key that was made elsewhere, if it can sign. Never overwrites a key."""
    from pmtaform.cli.dkim_words import read_key_file
    from pmtaform.cli.output_keys import print_kept_key
    from pmtaform.signing.key_store import import_key

    loaded = settings.project().load(stack)
    stored = import_key(loaded, name, read_key_file(file), file, to=to, passphrase=passphrase)
    print_kept_key(loaded, stored, format, as_)


@app.command("list")
def list_(
    words: _Words = None,
    host: Hosts = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask DNS.")] = False,
    format: FormatOption = Format.TEXT,
) -> None:
    """List the stack's keys: type and size, age, DNS record, and where each is used. Contacts no host."""
    from pmtaform.cli.dkim_words import chosen
    from pmtaform.cli.output import show
    from pmtaform.clock import SystemClock
    from pmtaform.report.dkim import KeyTable
    from pmtaform.signing.declared import declared_keys
    from pmtaform.signing.key_rows import key_rows

    loaded, names = chosen(words or [])
    ask = not offline and loaded.dns.mode != "off"
    rows = key_rows(loaded, declared_keys(loaded, names, host or ()), ask=ask)
    problems = dict.fromkeys(problem for row in rows for problem in row.problems)
    show(KeyTable(loaded.name, rows, SystemClock().now()), format, notes=problems)


@app.command("record")
def record(
    words: _Words = None,
    as_: _As = None,
    revoked: Annotated[bool, typer.Option("--revoked", help="The record that revokes the key (p= is empty).")] = False,
    testing: Annotated[bool, typer.Option("--testing", help="With t=y: the domain tests DKIM.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="With t=s: subdomains may not sign with it.")] = False,
    format: Annotated[Format, typer.Option("--format", help="json is --as json.")] = Format.TEXT,
) -> int:
    """Write the TXT records of the stack's keys. Exits 1 when a key could not be read."""
    from pmtaform.cli.dkim_words import chosen
    from pmtaform.cli.output import out, tell
    from pmtaform.dns.formats import As, write_records
    from pmtaform.signing.declared import declared_keys
    from pmtaform.signing.key_records import key_records

    loaded, names = chosen(words or [])
    flags = tuple(flag for flag, wanted in (("y", testing), ("s", strict)) if wanted)
    records, problems = key_records(loaded, declared_keys(loaded, names), flags=flags, revoked=revoked)
    tell(problems)
    form = As(as_.value) if as_ else As.JSON if format is Format.JSON else As.BIND
    out(write_records(records, form), exact=True)
    return Exit.ERROR if any(each.severity == "error" for each in problems) else Exit.OK


@app.command("verify")
def verify(
    words: _Words = None,
    host: Hosts = None,
    format: FormatOption = Format.TEXT,
) -> int:
    """Verify that each host has the stack's key, that DNS shows it, and that what it signs verifies.

    Exits 3 when something is wrong, 7 when nothing is wrong but a host or DNS could not be asked.
    """
    from pmtaform.cli.dkim_words import chosen
    from pmtaform.cli.output import show
    from pmtaform.report.dkim import Verifications
    from pmtaform.signing.declared import declared_keys
    from pmtaform.signing.verification import verify_keys

    loaded, names = chosen(words or [])
    proofs = verify_keys(loaded, declared_keys(loaded, names, host or ()))
    show(Verifications(loaded.name, proofs), format)
    if any(proof.is_wrong for proof in proofs):
        return Exit.SOME_FAILED
    return Exit.UNREACHABLE if any(proof.is_unknown for proof in proofs) else Exit.OK


app.command("rotate")(rotate)
