"""`pmtaform import`: a stack from live servers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pmtaform.adopt.choices import Form, KeysIn, SecretsIn, Shape
from pmtaform.cli.context import settings

if TYPE_CHECKING:
    from pmtaform.api.adopting import Imported


_Name = Annotated[str, typer.Argument(help="The new stack's name: lower-case letters, digits and dashes.")]
_From = Annotated[
    list[str] | None,
    typer.Option(
        "--from",
        help="A server: ssh://[user@]host[:port], the folder of a machine's root or of /etc/pmta, or a file. "
        "Repeatable: what several servers share is written once.",
    ),
]
_As = Annotated[Shape, typer.Option("--as", help="Typed YAML, or files in PowerMTA's own language.")]
_Keys = Annotated[
    KeysIn, typer.Option("--keys", help="Private DKIM keys: leave them alone, or import them as references to these.")
]
_Secrets = Annotated[
    SecretsIn, typer.Option("--secrets", help="Where to store passwords; the stack has references to them.")
]
_Sudo = Annotated[bool, typer.Option("--sudo", help="Read servers as root, with sudo without a password.")]
_Identity = Annotated[list[str] | None, typer.Option("--identity", help="A private key to log in with. Repeatable.")]
_KnownHosts = Annotated[str | None, typer.Option("--known-hosts", help="The known_hosts file to check against.")]


def import_(
    name: _Name,
    sources: _From = None,
    shape: _As = Shape.YAML,
    keys: _Keys = KeysIn.LEAVE,
    secrets: _Secrets = SecretsIn.FILE,
    sudo: _Sudo = False,
    identity: _Identity = None,
    known_hosts: _KnownHosts = None,
) -> None:
    """Write a stack that declares exactly what servers have now, so that its plan is empty. Changes nothing on them."""
    from pmtaform.api.adopting import Login, Options, import_stack
    from pmtaform.cli.output import out, tell
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
    tell(imported.adopted.notes, grouped=True)  # the lines are on the servers
    for line in _summary(imported):
        out(clean(line) + "\n")


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
    counts = f"{blocks} {'block' if blocks == 1 else 'blocks'} of {hosts} {'host' if hosts == 1 else 'hosts'}"
    lines.append(f"{counts}: {', '.join(forms) or 'none'}.")
    if hosts > 1:
        shared = [f"{count} in {layer or 'the stack'}" for layer, count in adopted.shared.items()]
        lines.append(f"Shared: {', '.join(shared)}.")
    lines += [f"{members} {kind} are one loop" for kind, members in adopted.loops.items()]
    if adopted.keys:
        lines.append(f"DKIM keys imported: {', '.join(adopted.keys)}.")
    variables = [reference.removeprefix("env:") for reference in adopted.to_store("env")]
    if variables:
        lines.append(f"Set these before you plan: {', '.join(variables)}.")
    if adopted.to_store("file"):
        lines.append("Secrets are in files that Git ignores (mode 0600): keep them safe, or move them to a keyring.")
    lines.append(f"The plan is empty. Next: pmtaform plan {name}, then pmtaform apply {name} to take ownership.")
    return lines
