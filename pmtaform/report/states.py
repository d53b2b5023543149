"""The state and a host's generations, as text for people and JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pmtaform.report.style import clean

if TYPE_CHECKING:
    from pmtaform.host import Generation
    from pmtaform.state import HostState, StateDocument


def state_list_text(document: StateDocument | None) -> str:
    """Every block and file that is ours, one HOST:ADDRESS a line. No state: the empty text."""
    lines = [
        f"{host}:{address}"
        for host, state in sorted((document.hosts if document else {}).items())
        for address in (*state.blocks, *state.keys)
    ]
    return "".join(clean(line) + "\n" for line in lines)


def state_host_text(document: StateDocument, host: str) -> str:
    """What is known of one host from the last apply."""
    state = document.hosts[host]
    facts = [
        ("host", host),
        ("applied", f"{state.applied_at} by {state.who}"),
        ("commit", state.commit or "(not from Git)"),
        ("plan", state.plan),
        ("generation", str(state.generation)),
        ("machine", state.machine_id or "(unknown)"),
        ("PowerMTA", state.version or "(none found)"),
        ("blocks", f"{len(state.blocks)} ours, {state.unmanaged} not declared and left alone"),
        ("key files", str(sum(1 for name in state.keys if not name.startswith("file[")))),
        ("others", f"{sum(1 for name in state.keys if name.startswith('file['))} files beside the configuration"),
    ]
    lines = [f"{name + ':':<12}{clean(value)}" for name, value in facts]
    lines.append("files:")
    for path, file in sorted(state.files.items()):
        lines.append(f"  {clean(path)}  {file.mode:04o} {clean(file.owner)}:{clean(file.group)}")
    return "\n".join(lines) + "\n"


def json_state(document: StateDocument | None, host: str | None = None) -> str:
    """The state as a JSON document; with `host`, of that host alone."""
    hosts = document.hosts if document else {}
    shown = {name: _host(state) for name, state in sorted(hosts.items()) if host in (None, name)}
    head: dict[str, Any] = {"format": 1, "kind": "pmtaform-state"}
    if document is not None:
        head |= {"stack": document.stack, "lineage": document.lineage, "serial": document.serial}
    return json.dumps(head | {"hosts": shown}, indent=1) + "\n"


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


def generations_text(host: str, kept: Sequence[Generation]) -> str:
    """The generations that a host keeps, the newest last."""
    if not kept:
        return f"{clean(host)} keeps no generation: nothing was applied there yet.\n"
    head = f"Generations on {clean(host)}; `pmtaform rollback {clean(host)} --to N` puts back what N replaced:"
    return "\n".join([head, *_rows(kept)]) + "\n"


def undone_text(host: str, undone: Sequence[Generation]) -> str:
    """What a rollback undoes."""
    return "\n".join([f"This undoes on {clean(host)}:", *_rows(undone)]) + "\n"


def _rows(kept: Sequence[Generation]) -> list[str]:
    lines = []
    for each in kept:
        facts = f"{each.number:>5}  {each.started:<20}  {each.status:<12}  {each.who}  {each.what}"
        lines += [clean(facts), "       " + clean(", ".join(each.files) or "(no file changed)")]
    return lines


def json_generations(host: str, kept: Sequence[Generation]) -> str:
    """The generations as a JSON document."""
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
        for each in kept
    ]
    return json.dumps({"format": 1, "kind": "pmtaform-generations", "host": host, "generations": rows}, indent=1) + "\n"
