"""The state and a host's generations, as text for people and JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pmtaform.report.style import clean
from pmtaform.report.views import Screen, json_document

if TYPE_CHECKING:
    from pmtaform.host import Generation
    from pmtaform.state import HostState, StateDocument


def json_state(document: StateDocument | None, host: str | None = None) -> str:
    """The state as a JSON document; with `host`, of that host alone."""
    hosts = document.hosts if document else {}
    shown = {name: _host(state) for name, state in sorted(hosts.items()) if host in (None, name)}
    head: dict[str, Any] = {}
    if document is not None:
        head |= {"stack": document.stack, "lineage": document.lineage, "serial": document.serial}
    return json_document("pmtaform-state", head | {"hosts": shown})


def _host(state: HostState) -> dict[str, Any]:
    return {
        "applied_at": state.applied_at,
        "who": state.who,
        "commit": state.commit,
        "plan": state.plan,
        "generation": state.generation,
        "machine": state.machine_id,
        "version": state.version,
        "unmanaged": state.unmanaged,
        "blocks": list(state.blocks),
        "keys": dict(state.keys),
        "files": {p: {"mode": f"{f.mode:04o}", "owner": f.owner, "group": f.group} for p, f in state.files.items()},
    }


def generations_text(host: str, generations: Sequence[Generation]) -> str:
    """The generations that a host keeps, the newest last."""
    if not generations:
        return f"{clean(host)} keeps no generation: nothing was applied there yet.\n"
    head = f"Generations on {clean(host)}; `pmtaform rollback {clean(host)} --to N` restores what N replaced:"
    return "\n".join([head, *_rows(generations)]) + "\n"


def undone_text(host: str, undone: Sequence[Generation]) -> str:
    """What a rollback undoes."""
    return "\n".join([f"This undoes on {clean(host)}:", *_rows(undone)]) + "\n"


def _rows(generations: Sequence[Generation]) -> list[str]:
    lines = []
    for each in generations:
        facts = f"{each.number:>5}  {each.started:<20}  {each.status:<12}  {each.who}  {each.what}"
        lines += [clean(facts), "       " + clean(", ".join(each.files) or "(no file changed)")]
    return lines


@dataclass(frozen=True, slots=True)
class Generations:
    """The generations that a host keeps."""

    host: str
    kept: Sequence[Generation]

    def text(self, screen: Screen) -> str:
        """One generation after the other, the newest last."""
        return generations_text(self.host, self.kept)

    def json(self) -> str:
        """A document of kind `pmtaform-generations`."""
        rows = [
            {
                "number": each.number,
                "transaction": each.transaction,
                "who": each.who,
                "what": each.what,
                "started": each.started,
                "status": each.status,
                "files": list(each.files),
            }
            for each in self.kept
        ]
        return json_document("pmtaform-generations", {"host": self.host, "generations": rows})


@dataclass(frozen=True, slots=True)
class StateTable:
    """Everything that is ours; None: nothing was applied yet."""

    state: StateDocument | None

    def text(self, screen: Screen) -> str:
        """One block or key file a line."""
        lines = [
            f"{host}:{address}"
            for host, state in sorted((self.state.hosts if self.state else {}).items())
            for address in (*state.blocks, *state.keys)
        ]
        return "".join(clean(line) + "\n" for line in lines)

    def json(self) -> str:
        """A document of kind `pmtaform-state`."""
        return json_state(self.state)


@dataclass(frozen=True, slots=True)
class StateOfHost:
    """What is known of one host from the last apply."""

    state: StateDocument
    host: str

    def text(self, screen: Screen) -> str:
        """The facts, then the files."""
        state = self.state.hosts[self.host]
        facts = [
            ("host", self.host),
            ("applied", f"{state.applied_at} by {state.who}"),
            ("commit", state.commit or "(not from Git)"),
            ("plan", state.plan),
            ("generation", str(state.generation)),
            ("machine", state.machine_id or "(unknown)"),
            ("PowerMTA", state.version or "(none found)"),
            ("blocks", f"{len(state.blocks)} ours, {state.unmanaged} not declared and unchanged"),
            ("key files", str(sum(1 for name in state.keys if not name.startswith("file[")))),
            ("others", f"{sum(1 for name in state.keys if name.startswith('file['))} files beside the configuration"),
        ]
        lines = [f"{name + ':':<12}{clean(value)}" for name, value in facts]
        lines.append("files:")
        for path, file in sorted(state.files.items()):
            lines.append(f"  {clean(path)}  {file.mode:04o} {clean(file.owner)}:{clean(file.group)}")
        return "\n".join(lines) + "\n"

    def json(self) -> str:
        """A document of kind `pmtaform-state`."""
        return json_state(self.state, self.host)
