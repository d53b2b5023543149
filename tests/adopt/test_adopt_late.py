"""A pattern list below the source that uses it is imported as it is, and moves once the stack has it above."""

from __future__ import annotations

from itertools import permutations

import pytest
from adopting import Adopting, codes, forms

from pmtaform.adopt.choices import Form

SOURCE = "# all\n<source 0/0>\n  smtp-service yes # mail\n  pattern-list p\n</source>\n"
OTHER = "<source 10/8>\npattern-list p\n</source>\n"
UNUSED = "<source 11/8>\nsmtp-service no\n</source>\n"
LIST = "# rules\n<pattern-list p>\nmail-from /a/ virtual-mta=v # a\n</pattern-list>\n"
MTA = "<virtual-mta v>\nsmtp-source-host 192.0.2.1 a.example\n</virtual-mta>\n"
KEYS = "domain-key s1,a.example,/etc/pmta/a.pem\n"
ORDERED = "stacks/fleet/files/mta1/list-order.conf"


@pytest.mark.parametrize("keys", ["leave", "file"])
@pytest.mark.parametrize("shape", ["yaml", "native"])
def test_the_first_plan_is_empty_and_a_note_says_what_to_do(adopting: Adopting, shape: str, keys: str) -> None:
    imported = adopting.run(adopting.server(KEYS + MTA + SOURCE + UNUSED + LIST + OTHER), as_=shape, keys=keys)
    assert adopting.changes() == []
    (note,) = [note for note in imported.adopted.notes if note.code == "list-below-source"]
    assert (note.host, note.address) == ("mta1", "pattern-list[p]")
    assert "below source[0.0.0.0/0]" in note.detail
    assert "PowerMTA needs it above" in note.detail
    assert "`config`" in note.detail
    assert "pattern-list-after-source" in codes(imported)


def test_the_list_and_its_sources_are_a_native_file_and_all_else_is_yaml(adopting: Adopting) -> None:
    imported = adopting.run(adopting.server(MTA + SOURCE + UNUSED + LIST + OTHER))
    head, _, text = (adopting.root / ORDERED).read_text().partition("\n\n")
    assert all(line.startswith("# ") for line in head.splitlines())
    assert "move the list above the source here or into `config`" in head
    assert text == f"{SOURCE}\n{LIST}\n{OTHER}"
    assert forms(imported, Form.NATIVE) == ["source[0.0.0.0/0]", "pattern-list[p]", "source[10.0.0.0/8]"]
    assert forms(imported, Form.TYPED) == ["virtual-mta[v]", "source[11.0.0.0/8]"]


def test_what_is_above_stays_yaml(adopting: Adopting) -> None:
    imported = adopting.run(adopting.server(MTA + LIST + SOURCE))
    assert "list-below-source" not in codes(imported)
    assert forms(imported, Form.NATIVE) == []


def test_a_list_that_goes_above_its_source_in_the_native_file_moves(adopting: Adopting) -> None:
    adopting.run(adopting.server(MTA + SOURCE + LIST))
    (adopting.root / ORDERED).write_text(LIST + SOURCE)
    assert adopting.changes() == ["mta1:pattern-list[p]"]


def test_a_list_that_goes_into_yaml_moves(adopting: Adopting) -> None:
    adopting.run(adopting.server(MTA + SOURCE + LIST))
    (adopting.root / ORDERED).write_text(SOURCE)
    stack = adopting.root / "stacks/fleet/stack.yaml"
    more = 'config:\n  pattern-list:\n    p: ["mail-from /a/ virtual-mta=v"]\n'
    stack.write_text(stack.read_text().replace("config:\n", more))
    assert adopting.changes() == ["mta1:pattern-list[p]"]


CASES = {
    "the list is in a file that is included below": ("include /etc/pmta/l.conf\n", {"l.conf": LIST}, SOURCE),
    "the source is in a file that is included above": (LIST, {"s.conf": SOURCE}, "include /etc/pmta/s.conf\n"),
    "both are in one included file": ("", {"b.conf": SOURCE + LIST}, "include /etc/pmta/b.conf\n"),
    "the source has it from a fragment": (
        LIST,
        {"f.conf": "pattern-list p\n"},
        "<source 0/0>\ninclude /etc/pmta/f.conf\n</source>\n",
    ),
    "the list is in two files": (LIST + "include /etc/pmta/l.conf\n", {"l.conf": LIST}, SOURCE),
    "the list is in two files, the source between them": (
        LIST,
        {"l.conf": LIST},
        SOURCE + "include /etc/pmta/l.conf\n",
    ),
    "the source is there twice": (LIST + SOURCE, {}, SOURCE),
    "the source is never closed": (LIST, {"s.conf": SOURCE[:-10]}, "include /etc/pmta/s.conf\n"),
    "the list is never closed": (LIST[:-16], {}, SOURCE),
    "lines end in CR LF": (LIST.replace("\n", "\r\n"), {}, SOURCE.replace("\n", "\r\n")),
    "two lists, in the other order": (LIST.replace(" p>", " q>") + LIST, {}, SOURCE + OTHER.replace(" p", " q")),
}


@pytest.mark.parametrize("shape", ["yaml", "native"])
@pytest.mark.parametrize("case", CASES)
def test_the_first_plan_is_empty_wherever_they_are(adopting: Adopting, case: str, shape: str) -> None:
    after, files, before = CASES[case]
    adopting.run(adopting.server(MTA + before + after, **files), as_=shape)
    assert adopting.changes() == []


def test_a_source_with_a_secret_is_kept_in_yaml(adopting: Adopting) -> None:
    secret = SOURCE.replace("  pattern-list p", "  pattern-list p\n  password hunter22")
    imported = adopting.run(adopting.server(MTA + secret + LIST))
    assert adopting.changes() == []
    assert forms(imported, Form.NATIVE) == ["pattern-list[p]"]
    assert not any(b"hunter22" in content for content in adopting.open_files().values())


def test_servers_that_have_them_in_different_orders(adopting: Adopting) -> None:
    """What servers share is shared, but no server is given another's order."""
    orders = list(permutations((SOURCE, LIST, OTHER)))
    servers = [adopting.server(MTA + "".join(order), name=f"mta{n}") for n, order in enumerate((*orders, orders[0]))]
    adopting.run(*servers)
    assert adopting.changes() == []
