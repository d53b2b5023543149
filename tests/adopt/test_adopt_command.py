"""`pmtaform import`: what it puts out, and where."""

from __future__ import annotations

import typer
from adopting import Adopting
from projects import HostFolder
from typer.testing import CliRunner, Result

from pmtaform.cli.context import settings
from pmtaform.cli.import_ import import_

BODY = "postmaster a@b\n<smtp-user u>\npassword canary-one\n</smtp-user>\nflux on\n"


def invoke(adopting: Adopting, *arguments: str | HostFolder) -> Result:
    app = typer.Typer(rich_markup_mode=None)
    app.command("import")(import_)
    texts = [str(one.root if isinstance(one, HostFolder) else one) for one in arguments]
    settings.directory = adopting.root
    try:
        return CliRunner().invoke(app, texts)
    finally:
        settings.directory = None


def test_what_was_done_is_reported(adopting: Adopting) -> None:
    output = invoke(adopting, "fleet", "--from", adopting.server(BODY))
    assert output.exit_code == 0, output.output
    lines = output.stdout.splitlines()
    assert lines[0] == f"wrote {adopting.root / 'stacks/fleet/stack.yaml'}"
    assert "3 blocks of 1 host: 2 typed, 1 in a native file." in lines
    assert lines[-1].startswith("The plan is empty. Next: pmtaform plan fleet")
    assert "flux" in output.stderr
    assert "canary" not in output.output
    assert adopting.changes() == []


def test_one_block_is_counted_in_the_singular(adopting: Adopting) -> None:
    output = invoke(adopting, "fleet", "--from", adopting.server("postmaster a@b.example\n"))
    assert "1 block of 1 host: 1 typed." in output.stdout.splitlines(), output.output


def test_several_servers_and_choices(adopting: Adopting) -> None:
    one, two = adopting.server(BODY, "one"), adopting.server(BODY, "two")
    output = invoke(adopting, "fleet", "--from", one, "--from", two, "--as", "native", "--secrets", "env")
    assert output.exit_code == 0, output.output
    assert "Set these before you plan: FLEET_SMTP_USER_U_PASSWORD." in output.stdout
    assert "6 blocks of 2 hosts: 4 in a copied file, 2 typed." in output.stdout


def test_there_needs_no_project_yet(adopting: Adopting) -> None:
    server = adopting.server(BODY)
    (adopting.root / "stacks").rmdir()
    assert invoke(adopting, "fleet", "--from", server).exit_code == 0
    assert adopting.changes() == []


def test_without_a_source_there_is_nothing_to_do(adopting: Adopting) -> None:
    output = invoke(adopting, "fleet")
    assert type(output.exception).__name__ == "UsageError"


def test_what_many_servers_have_in_common_is_reported_once(adopting: Adopting) -> None:
    names = [f"mta{n}" for n in range(1, 7)]
    body = (
        "postmaster a@b\nhttp-access 0/0 admin\nsync-msg-create no\n<domain d{n}.example>\nretry-after 5s\n</domain>\n"
    )
    sources = [text for name in names for text in ("--from", adopting.server(body.replace("{n}", name), name))]
    output = invoke(adopting, "fleet", *sources)
    assert output.exit_code == 0, output.output
    for rule in ("http-admin-for-everyone", "mail-not-synced", "short-retry"):
        assert output.stderr.count(f"[{rule}]") == 1
    assert "The same at 5 more places, on 6 hosts" in output.stderr
