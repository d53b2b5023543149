"""`pmtaform secrets`: the secrets of a stack, whether they are available, and those that pmtaform stores."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pmtaform.cli.asking import approved
from pmtaform.cli.context import Format, settings
from pmtaform.cli.options import AutoApprove, FormatOption, StackArgument
from pmtaform.diagnostics import Exit
from pmtaform.diagnostics.codes.key_commands import NO_SUCH_SECRET, SECRET_EXISTS, SECRET_ON_TERMINAL
from pmtaform.errors import PmtaformError, UsageError

app = typer.Typer(
    help="The secrets that a stack refers to. A value is never taken from an argument, and shown only by `get`.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

_Words = Annotated[
    list[str],
    typer.Argument(
        metavar="REFERENCE [STACK]",
        help="A reference (keyring:NAME), or the NAME of a keyring entry; then the stack, if there are several.",
    ),
]


@app.command("list")
def list_(stack: StackArgument = None, format: FormatOption = Format.TEXT) -> None:
    """List every secret that the stack refers to: what it is for, on which hosts, and where that is written."""
    from pmtaform.cli.output import show
    from pmtaform.report.secret_uses import SecretTable
    from pmtaform.stack import secret_uses

    loaded = settings.project().load(stack)
    show(SecretTable(loaded.name, secret_uses(loaded)), format)


@app.command("check")
def check(stack: StackArgument = None, format: FormatOption = Format.TEXT) -> int:
    """Look up every secret of the stack once, and report whether it is available and valid. Contacts no host."""
    from pmtaform.api import check_secrets
    from pmtaform.cli.output import show
    from pmtaform.report.secret_uses import CheckTable
    from pmtaform.stack import secret_uses

    loaded = settings.project().load(stack)
    checked = check_secrets(loaded, secret_uses(loaded))
    findings = dict.fromkeys(finding for each in checked for finding in each.findings)
    show(CheckTable(loaded.name, checked), format, notes=findings)
    return Exit.OK if all(each.ok for each in checked) else Exit.ERROR


@app.command("set")
def set_(
    words: _Words,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing value.")] = False,
    format: FormatOption = Format.TEXT,
) -> int:
    """Store a secret in the keyring or in a file. Prompts for its value, or reads it from standard input."""
    from pmtaform.api import holds_secret, store_secret
    from pmtaform.cli.output import show, tell
    from pmtaform.cli.secret_words import chosen, read_value
    from pmtaform.report.secret_uses import ChangedSecret, unused

    what = chosen(words)
    exists = holds_secret(what.reference, what.folder)
    if exists and not overwrite and not _replace(str(what.reference), format):
        return Exit.OK
    warnings = store_secret(what.reference, read_value(what.reference), what.folder)
    tell([*warnings, *unused(what.reference, what.load())])
    show(ChangedSecret(what.reference, "replaced" if exists else "stored"), format)
    return Exit.OK


@app.command("get")
def get(
    words: _Words,
    show: Annotated[bool, typer.Option("--show", help="Also on a terminal.")] = False,
    format: FormatOption = Format.TEXT,
) -> None:
    """Print a secret's value, every byte of it. On a terminal only with --show."""
    from pmtaform.api import read_secret
    from pmtaform.cli.output_keys import print_value
    from pmtaform.cli.secret_words import chosen

    what = chosen(words)
    if sys.stdout.isatty() and not show:
        detail = f"Everyone who looks at the terminal would see {what.reference}. Add --show if that is meant, or "
        detail += "send it into a pipe."
        raise UsageError.of(SECRET_ON_TERMINAL, detail)
    print_value(what.reference, read_secret(what.reference, what.folder), format)


@app.command("delete")
def delete(
    words: _Words,
    auto_approve: AutoApprove = False,
    format: FormatOption = Format.TEXT,
) -> int:
    """Delete a secret from the keyring, or its file."""
    from pmtaform.api import holds_secret, remove_secret
    from pmtaform.cli.output import show
    from pmtaform.cli.secret_words import chosen
    from pmtaform.report.secret_uses import ChangedSecret

    what = chosen(words)
    loaded = what.load()
    if not holds_secret(what.reference, what.folder):
        detail = f"{what.reference} has no value, so nothing was deleted."
        raise PmtaformError.of(NO_SUCH_SECRET, detail)
    question = f"Delete {what.reference}?{_needed(str(what.reference), loaded)}"
    if not auto_approve and not approved(question, format, instead="Add --auto-approve."):
        return Exit.OK
    remove_secret(what.reference, what.folder)
    show(ChangedSecret(what.reference, "deleted"), format)
    return Exit.OK


def _replace(reference: str, format: Format) -> bool:
    """Whether an existing value may be replaced. Raises `UsageError` without a terminal."""
    if format is Format.JSON or not sys.stdin.isatty():
        detail = f"{reference} has a value. Nothing was changed. Add --overwrite to replace it."
        raise UsageError.of(SECRET_EXISTS, detail)
    return approved(f"{reference} has a value. Replace it?", format)


def _needed(reference: str, stack: object) -> str:
    """What in the stack needs a secret, for the question whether it may go."""
    from pmtaform.stack import Stack, secret_uses

    if not isinstance(stack, Stack):
        return ""
    try:
        uses = [use.what for use in secret_uses(stack) if use.reference == reference]
    except PmtaformError:
        return ""
    return f' Stack "{stack.name}" needs it for {", ".join(uses[:3])}.' if uses else ""
