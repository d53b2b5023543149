"""Every configuration of the corpus is imported, and the plan of the stack is empty."""

from __future__ import annotations

from pathlib import Path

import pytest
from adopting import FILES, SETS, Adopting, codes, forms
from projects import HostFolder

from pmtaform.adopt.choices import Form

SHAPES = ("yaml", "native")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_imported_and_its_plan_is_empty(adopting: Adopting, path: Path, shape: str) -> None:
    imported = adopting.run(path, as_=shape)
    assert adopting.changes() == []
    copy = HostFolder(next((adopting.root / "stacks/fleet/hosts").glob("[!.]*")))
    assert copy.config.read_bytes() == path.read_bytes()
    result = sum(len(item) for form, item in imported.adopted.hosts[0].forms.items() if form is not Form.LEFT)
    assert result + len(forms(imported, Form.LEFT)) == imported.adopted.hosts[0].blocks


@pytest.mark.parametrize("keys", ["leave", "file"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_root_is_imported_and_not_a_byte_of_it_is_touched(
    adopting: Adopting, path: Path, shape: str, keys: str
) -> None:
    server = adopting.server(path.read_bytes())
    before = server.tree()
    adopting.run(server, as_=shape, keys=keys)
    assert adopting.changes() == []
    assert server.tree() == before


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("folder", SETS, ids=lambda path: path.name)
def test_a_set_of_includes_is_imported_and_its_files_are_kept(adopting: Adopting, folder: Path, shape: str) -> None:
    imported = adopting.run(folder, as_=shape)
    assert adopting.changes() == []
    stack = adopting.project.load("fleet")
    named = [entry for entry in adopting.yaml().splitlines() if "path: /etc/pmta/" in entry]
    assert named
    assert imported.adopted.count(Form.COPIED) > 0
    assert stack.hosts


def test_most_blocks_are_typed(adopting: Adopting) -> None:
    """What is usual is readable: of the whole corpus, what is not typed is what the catalogue calls wrong."""
    counts = dict.fromkeys(Form, 0)
    for number, path in enumerate(FILES):
        imported = adopting.run(path, stack=f"s{number}")
        for form in Form:
            counts[form] += imported.adopted.count(form)
    assert counts[Form.TYPED] > 0.88 * sum(counts.values())
    assert counts[Form.LEFT] <= 2


def test_what_the_catalogue_does_not_know_is_kept_as_it_is(adopting: Adopting) -> None:
    server = adopting.server("flux-capacitor on\n<domain a.example>\nwarp 9\n</domain>\n<gadget x>\ny z\n</gadget>\n")
    imported = adopting.run(server)
    assert adopting.changes() == []
    assert forms(imported, Form.NATIVE) == ["setting[flux-capacitor]", "gadget[x]"]
    assert forms(imported, Form.TEXT) == ["domain[a.example]"]
    assert {"unknown-directive", "block-native"} <= codes(imported)
