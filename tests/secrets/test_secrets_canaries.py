"""Canaries: a secret in every place that takes one, by every scheme, and no trace of any in what commands leave."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator

import pytest
from canaries import Canaries, Records, plant_all
from keyring.backend import KeyringBackend
from keyrings.alt.file import PlaintextKeyring
from projects import ProjectFolder

from pmtaform.errors import Exit

UseKeyring = Callable[[KeyringBackend], None]


@pytest.fixture
def canaries(project: ProjectFolder, monkeypatch: pytest.MonkeyPatch, use_keyring: UseKeyring) -> Iterator[Canaries]:
    """The project, with a keyring that is a file; whatever is logged is kept, and temporary files are in it."""
    for variable, folder in {"HOME": "home", "XDG_DATA_HOME": "home", "XDG_CONFIG_HOME": "home", "TMPDIR": "tmp"}.items():
        (project.root / folder).mkdir(exist_ok=True)
        monkeypatch.setenv(variable, str(project.root / folder))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyrings.alt.file.PlaintextKeyring")
    monkeypatch.setenv("PMTAFORM_TRACEBACK", "1")
    monkeypatch.setattr(tempfile, "tempdir", None)
    use_keyring(PlaintextKeyring())
    made = plant_all(project, monkeypatch)
    root, handler = logging.getLogger(), Records(made)
    monkeypatch.setattr(root, "level", logging.DEBUG)
    root.addHandler(handler)
    yield made
    root.removeHandler(handler)


# What is done, in this order: the words, and the exit codes that it may end with.
COMMANDS: tuple[tuple[str, Exit], ...] = (
    ("validate", Exit.OK),
    ("validate --format json", Exit.OK),
    ("render env", Exit.OK),
    ("render command --file /etc/pmta/config", Exit.OK),
    ("schema", Exit.OK),
    ("fmt {host} --diff", Exit.OK),
    ("plan", Exit.OK),
    ("plan --diff --effective", Exit.OK),
    ("plan --format json --diff --effective --out {root}/plan.json", Exit.OK),
    ("show {root}/plan.json", Exit.OK),
    ("show {root}/plan.json --format json", Exit.OK),
    ("apply {root}/plan.json --diff", Exit.OK),
    ("plan --detailed-exitcode", Exit.OK),
    ("drift", Exit.OK),
    ("drift --format json", Exit.OK),
    ("state list", Exit.OK),
    ("state show env --format json", Exit.OK),
    ("lint", Exit.OK),
    ("lint --host env --format json", Exit.OK),
    ("explain env smtp-user[app]", Exit.OK),
    ("explain --why env:domain[relay.example.com] --format json", Exit.OK),
    ("effective env --domain relay.example.com --format json", Exit.OK),
    ("effective env --all", Exit.OK),
    ("diff env file --effective", Exit.OK),
    ("diff env keyring --format json", Exit.OK),
    ("secrets list", Exit.OK),
    ("secrets list --format json", Exit.OK),
    ("secrets check", Exit.OK),
    ("secrets check --format json", Exit.OK),
    ("rollback env --list --format json", Exit.OK),
    ("rollback env --auto-approve", Exit.OK),
    ("apply --auto-approve", Exit.OK),
)


def test_no_command_leaves_a_secret(canaries: Canaries) -> None:
    for words, code in COMMANDS:
        said = canaries.run(*words.replace('{host}','{host}').format(root=canaries.project.root, host=canaries.project.hosts["env"].config).split())
        print(words, said.code, said.all[-900:] if said.code != code else "")
    print("\n".join(canaries.leaks()))
    assert 0
