"""`pmtaform import`: a stack from live servers."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pmtaform.adopt.choices import Form, KeysIn, SecretsIn, Shape
from pmtaform.cli.context import settings

if TYPE_CHECKING:
    from pmtaform.api.adopting import Imported
    from pmtaform.diagnostics import Diagnostic


def import_(
    name: Annotated[str, typer.Argument(help="The new stack's name: lower-case letters, digits and dashes.")],
    sources: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            help="A server: ssh://[user@]host[:port], the folder of a machine's root or of /etc/pmta, or a file. "
            "Repeatable: what several servers share is said once.",
        ),
    ] = None,
    shape: Annotated[Shape, typer.Option("--as", help="Typed YAML, or files in PowerMTA's own language.")] = Shape.YAML,
    keys: Annotated[
        KeysIn, typer.Option("--keys", help="Private DKIM keys: left alone, or taken in as references to these.")
    ] = KeysIn.LEAVE,
    secrets: Annotated[
        SecretsIn, typer.Option("--secrets", help="Where passwords go; the stack has references to them.")
    ] = SecretsIn.FILE,
    sudo: Annotated[bool, typer.Option("--sudo", help="Read servers as root, with sudo without a password.")] = False,
    identity: Annotated[list[str] | None, typer.Option("--identity", help="A private key to log in with.")] = None,
    known_hosts: Annotated[str | None, typer.Option("--known-hosts", help="The known_hosts to check against.")] = None,
) -> None:
    """Write a stack that says exactly what servers have now, so that its plan is empty. Changes nothing on them."""
    from pmtaform.api.adopting import Login, Options, import_stack
    from pmtaform.cli.output import out
    from pmtaform.errors import UsageError
    from pmtaform.report.style import clean
    from pmtaform.stack import find_project

    start = settings.directory or Path.cwd()
    try:
        root = find_project(start)
    except UsageError:
        root = start
    options = Options(stack=name, shape=shape, keys=keys, secrets=secrets)
    login = Login(sudo=sudo, identity_files=tuple(identity or ()), known_hosts=known_hosts)
    imported = import_stack(root, options, sources or (), login=login)
    _tell(imported.adopted.notes)
    for line in _summary(imported):
        out(clean(line) + "\n")


def _tell(notes: Iterable[Diagnostic]) -> None:
    """Notes on stderr, without the lines that they are about: those are on the servers."""
    from pmtaform.report.problems import diagnostics_text
    from pmtaform.report.style import wants_colour, write

    found = list(notes)
    if found:
        colour = not settings.no_color and wants_colour(sys.stderr)
        width = max(60, min(shutil.get_terminal_size((100, 24)).columns, 140))
        write(sys.stderr, diagnostics_text(found, colour=colour, width=width, grouped=True))


def _summary(imported: Imported) -> list[str]:
    adopted = imported.adopted
    name = adopted.stack
    blocks = sum(host.blocks for host in adopted.hosts)
    lines = [f"wrote {path}" for path in imported.written if path.name.endswith(".yaml")]
    others = len(imported.written) - len(lines)
    if others:
        lines.append(f"wrote {others} more {'file' if others == 1 else 'files'} in {imported.folder}")
    forms = [f"{adopted.count(form)} {form.value}" for form in Form if adopted.count(form)]
    hosts = len(adopted.hosts)
    lines.append(f"{blocks} blocks of {hosts} {'host' if hosts == 1 else 'hosts'}: {', '.join(forms) or 'none'}.")
    if hosts > 1:
        shared = [f"{count} in {layer or 'the stack'}" for layer, count in adopted.shared.items()]
        lines.append(f"Said once: {', '.join(shared)}.")
    lines += [f"{members} {kind} are one loop" for kind, members in adopted.loops.items()]
    if adopted.keys:
        lines.append(f"DKIM keys taken in: {', '.join(adopted.keys)}.")
    variables = [reference.removeprefix("env:") for reference in adopted.to_store("env")]
    if variables:
        lines.append(f"Set these before you plan: {', '.join(variables)}.")
    if adopted.to_store("file"):
        lines.append("Secrets are in files that Git ignores (mode 0600): keep them safe, or move them to a keyring.")
    lines.append(f"The plan is empty. Next: pmtaform plan {name}, then pmtaform apply {name} to take ownership.")
    return lines
