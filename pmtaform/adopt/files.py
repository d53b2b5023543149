"""The files of a stack: its YAML, native files, secrets, and what Git must not take."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pmtaform.adopt.choices import Form
from pmtaform.adopt.document import Item, List, Map, Text, Value, document, escaped, texts
from pmtaform.adopt.express import YamlEntry
from pmtaform.adopt.fold import fold
from pmtaform.adopt.layers import Layer, Layers
from pmtaform.adopt.model import Options, OutFile, Server
from pmtaform.adopt.server import Copy
from pmtaform.lang.blocks import Address
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.tree import encode
from pmtaform.stack.names import version_of
from pmtaform.stack.paths import MAIN, folder_problem, path_problem

_IGNORE: Final = b"# Secrets and copies of servers: never in Git.\n*\n!.gitignore\n"
_ODD: Final = re.compile(r"[^\w.@+=,~ -]")
_UNSAID: Final = "native.conf"
_ORDERED: Final = "list-order.conf"
_WHY_ORDERED: Final = """\
# pmtaform: on the server a pattern list is below a source that uses it, and PowerMTA needs it above (3.3.7.39).
# This file keeps that order. To fix it, move the list above the source here or into `config`, then plan and apply.
"""


@dataclass(slots=True)
class Files:
    """Builds the files. `loops` counts the blocks in a loop; `apart` are blocks that must not be in one."""

    options: Options
    servers: Sequence[Server]
    layers: Layers
    apart: frozenset[Address] = frozenset()
    loops: dict[str, int] = field(default_factory=dict)
    made: dict[str, OutFile] = field(default_factory=dict)
    allowed: list[str] = field(default_factory=list)

    def all(self, secrets: Mapping[str, bytes]) -> dict[str, OutFile]:
        """Every file, by its path in the stack."""
        layers = self.layers
        base = self._layer(layers.base, top=True)
        groups = {name: self._layer(layer) for name, layer in layers.groups.items()}
        own = {name: self._layer(layer) for name, layer in layers.own.items()}
        self._put("stack.yaml", self._main(base))
        if groups:
            body = Map([Item(made, name, gap=True) for name, made in groups.items()], open=True)
            self._put("groups.yaml", Map([Item(body, "groups", above=_hosts_in(layers))], open=True))
        for name, made in own.items():
            if made.items:
                self._put(f"host-{name}.yaml", Map([Item(Map([Item(made, name)], open=True), "hosts")], open=True))
        self._copies_of_servers()
        for reference, value in secrets.items():
            scheme, _, path = reference.partition(":")
            if scheme == "file":
                self._private(path, value if value.endswith(b"\n") else value + b"\n")
        return dict(sorted(self.made.items()))

    def _put(self, name: str, root: Map) -> None:
        self.made[name] = OutFile(content=document(root).encode())

    def _private(self, path: str, content: bytes) -> None:
        self.made[path] = OutFile(content=content, private=True)
        self.made[f"{path.partition('/')[0]}/.gitignore"] = OutFile(content=_IGNORE)

    def _copies_of_servers(self) -> None:
        for server in self.servers:
            if server.copy:
                for path, content in server.contents.items():
                    self._private(f"hosts/{server.name}{path}", content)

    # -- the main file -------------------------------------------------------------------------------------------------

    def _main(self, base: Map) -> Map:
        root = Map(open=True)
        root.items.append(Item(Text(self.options.stack), "stack", above=_sources(self.servers)))
        versions = {version_of((s.version or "").lower().partition("v")[2] or s.version) for s in self.servers}
        if len(versions) == 1 and (version := versions.pop()):
            root.put("powermta", Text(f"{version[0]}.{version[1]}"))
        hosts = Map(open=True)
        for server in self.servers:
            hosts.put(server.name, self._host(server))
        root.items.append(Item(hosts, "hosts", gap=True))
        if self.allowed:
            root.items.append(Item(texts(*self.allowed), "allowed-paths", gap=True))
        root.items += base.items
        root.foot = base.foot
        return root

    def _host(self, server: Server) -> Map:
        made = Map()
        for key, value in server.entry.items():
            made.put(key, _plain(value))
        if groups := self.layers.groups_of(server.name):
            made.put("groups", texts(*groups))
        return made

    # -- layers --------------------------------------------------------------------------------------------------------

    def _layer(self, layer: Layer, *, top: bool = False) -> Map:
        made = Map(open=True)
        config = self._config(layer)
        if config.items or config.foot:
            made.items.append(Item(config, "config", gap=top))
        natives = self._natives(layer)
        if natives.items:
            made.items.append(Item(natives, "native", gap=top))
        if layer.keys:
            keys = Map(open=True)
            for entry in layer.keys:
                keys.put(entry.name, entry.body())
            made.items.append(Item(keys, "dkim-keys", gap=top))
        return made

    def _config(self, layer: Layer) -> Map:
        plain = Map(open=True)
        kinds: dict[str, Map] = {}
        unnamed: list[Item] = []
        for entry in layer.entries:
            written = entry.written
            if written is None:
                continue
            if len(written.path) == 2:
                kinds.setdefault(written.path[0], Map(open=True)).items.append(_copy(written))
            elif entry.address.kind == written.path[0]:
                unnamed.append(_copy(written)) if not written.listed else _listed(plain, written)
            else:
                plain.items.append(_copy(written))
        for item in unnamed:
            item.gap = True
        apart = {
            e.written.path[1]
            for e in layer.entries
            if e.address in self.apart and e.written and len(e.written.path) > 1
        }
        for kind, named in kinds.items():
            self._loops(kind, named, apart)
        ordered = sorted(kinds.items(), key=lambda pair: catalogue().section(pair[0]) is not None)  # macros first
        sections = [_section(kind, named) for kind, named in ordered]
        return Map([*plain.items, *sections, *unnamed], layer.end, open=True)

    def _loops(self, kind: str, named: Map, apart: set[str]) -> None:
        """Write numbered runs as loops."""
        for folded in fold([item for item in named.items if item.key not in apart]):
            keys = set(folded.stands_for)
            places = [place for place, item in enumerate(named.items) if item.key in keys]
            named.items[places[0]] = folded.item
            named.items = [item for place, item in enumerate(named.items) if place not in places[1:]]
            self.loops[f"{kind} {folded.item.key}"] = len(keys)

    # -- native files --------------------------------------------------------------------------------------------------

    def _natives(self, layer: Layer) -> List:
        entries = List()
        folder = self._folder(layer)
        for copy in layer.copies:
            name = self._free(f"{folder}/{_short(copy.path)}")
            self.made[name] = OutFile(content=copy.content)
            entry = self._native(name, copy)
            entries.items += [Item(entry) for _ in range(copy.times)]
        natives = [entry for entry in layer.entries if entry.form is Form.NATIVE]
        unsaid = [entry.text for entry in natives if not entry.order]
        ordered = [entry.text for entry in natives if entry.order]
        for file, written in ((_UNSAID, unsaid), (_ORDERED, [_WHY_ORDERED, *ordered] if ordered else [])):
            if written:
                name = self._free(f"{folder}/{file}")
                self.made[name] = OutFile(content=encode("\n".join(written)))
                entries.items.append(Item(Text(escaped(name))))
        return entries

    def _free(self, name: str) -> str:
        """A name that no other file has."""
        stem, dot, end = name.rpartition(".") if "." in name.rpartition("/")[2] else (name, "", "")
        number = 2
        while name in self.made:
            name, number = f"{stem}-{number}{dot}{end}", number + 1
        return name

    def _folder(self, layer: Layer) -> str:
        if len(self.servers) == 1:
            return f"files/{self.servers[0].name}"
        return f"files/{layer.name or 'all'}"

    def _native(self, name: str, copy: Copy) -> Value:
        if copy.target is None or path_problem(copy.target, ("/",)):
            return Text(escaped(name))
        if path_problem(copy.target, ("/etc/pmta", *self.allowed)):
            folder = copy.target.rpartition("/")[0]
            if folder_problem(folder):
                return Text(escaped(name))
            self.allowed.append(folder)
        return Map().put("file", Text(escaped(name))).put("path", Text(escaped(copy.target)))


def _sources(servers: Sequence[Server]) -> tuple[str, ...]:
    if len(servers) == 1:
        return (f"# Imported from {servers[0].source}",)
    return ("# Imported from", *(f"#   {server.name}: {server.source}" for server in servers))


def _section(kind: str, named: Map) -> Item:
    """All sections of one kind. What a comment heads, with a blank line below it, it heads above the kind's name."""
    first = named.items[0]
    head: tuple[str, ...] = ()
    if "" in first.above:
        cut = len(first.above) - first.above[::-1].index("")
        head, first.above = first.above[: cut - 1], first.above[cut:]
    return Item(named, kind, above=head, gap=True)


def _copy(written: YamlEntry) -> Item:
    return Item(written.item.value, written.path[-1], written.item.above, written.item.beside)


def _listed(plain: Map, written: YamlEntry) -> None:
    """Put an entry into the list that blocks of its kind share."""
    own = Item(written.item.value, "", written.item.above, written.item.beside)
    known = plain.get(written.path[0])
    if isinstance(known, List):
        known.items.append(own)
    else:
        plain.put(written.path[0], List([own]))


def _short(path: str) -> str:
    """A path on the host as one in the stack."""
    inner = path.removeprefix(MAIN.rpartition("/")[0] + "/")
    parts = [_ODD.sub("_", part) for part in inner.split("/") if part not in ("", ".")]
    return "/".join("_" if part == ".." else part[:200] for part in parts)


def _plain(value: str | bool | int | tuple[str, ...]) -> Value:
    if isinstance(value, tuple):
        return texts(*value)
    return Text(str(value).lower() if isinstance(value, bool) else str(value))


def _hosts_in(layers: Layers) -> tuple[str, ...]:
    return tuple(f"# {name}: {', '.join(layer.hosts)}" for name, layer in layers.groups.items())
