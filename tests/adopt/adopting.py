"""What tests of the importer share: importing into a project, and holding the result against the servers."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from projects import HostFolder

from pmtaform.adopt.choices import Form, KeysIn, SecretsIn, Shape
from pmtaform.adopt.model import Options
from pmtaform.api import Project, make_plan
from pmtaform.api.adopting import Imported, Login, import_stack
from pmtaform.secrets import KEYRING, FakeSecrets, Resolver

CORPUS = Path(__file__).parent.parent / "corpus"
FILES = sorted(CORPUS.glob("*.conf"))
SETS = sorted(path for path in CORPUS.iterdir() if path.is_dir())
IGNORED = ("secrets", "keys", "hosts")


@dataclass
class Adopting:
    """A project to import into, and servers that are folders."""

    root: Path

    def server(self, config: str | bytes, name: str = "mta1", **files: str | bytes) -> HostFolder:
        """A machine's root with this configuration; `files` are further ones below /etc/pmta, `__` for a slash."""
        made = HostFolder(self.root / "servers" / name).put(config)
        for path, content in files.items():
            made.put(content, f"/etc/pmta/{path.replace('__', '/')}", mode=0o600)
        return made

    def run(self, *sources: Path | HostFolder | str, **options: Any) -> Imported:
        """Import. Words for `as_`, `keys`, `secrets` are those of the command line."""
        chosen = Options(
            stack=options.get("stack", "fleet"),
            shape=Shape(options.get("as_", "yaml")),
            keys=KeysIn(options.get("keys", "leave")),
            secrets=SecretsIn(options.get("secrets", "file")),
        )
        texts = [str(source.root if isinstance(source, HostFolder) else source) for source in sources]
        resolver = options.get("resolver")
        return import_stack(self.root, chosen, texts, login=options.get("login", Login()), resolver=resolver)

    @property
    def project(self) -> Project:
        return Project(self.root)

    def changes(self, stack: str = "fleet") -> list[str]:
        """What `pmtaform plan` would change, as addresses; errors are raised."""
        planned = make_plan(self.project, self.project.load(stack))
        planned.close()
        assert not planned.plan.failures
        return [f"{host.host}:{change.address}" for host in planned.plan.hosts for change in host.changes]

    def yaml(self, name: str = "stack.yaml", stack: str = "fleet") -> str:
        return (self.root / "stacks" / stack / name).read_text()

    def config(self, stack: str = "fleet") -> str:
        """The `config` of the only server's stack."""
        return self.yaml(stack=stack).partition("config:\n")[2]

    def open_files(self, stack: str = "fleet") -> dict[str, bytes]:
        """Every file that Git would take; those that it ignores are checked for their mode."""
        folder = self.root / "stacks" / stack
        by_name = {}
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            inner = path.relative_to(folder)
            if inner.parts[0] in IGNORED and path.name != ".gitignore":
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, inner
                assert (folder / inner.parts[0] / ".gitignore").read_text().splitlines()[1] == "*"
            else:
                by_name[str(inner)] = path.read_bytes()
        return by_name


def forms(imported: Imported, form: Form) -> list[str]:
    """The blocks said in a form, on any host."""
    return [str(address) for host in imported.adopted.hosts for address in host.forms.get(form, ())]


def codes(imported: Imported) -> set[str]:
    return {note.code for note in imported.adopted.notes}


def fake_keyring() -> tuple[Resolver, FakeSecrets]:
    """A resolver whose keyring is in memory, and that keyring."""
    kept = FakeSecrets()
    return Resolver(Path(), providers={KEYRING: kept}), kept
