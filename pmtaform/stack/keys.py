"""`dkim-keys`: key files for a host, and the lines that make PowerMTA sign with them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pmtaform.diagnostics import Diagnostics, Place, did_you_mean
from pmtaform.diagnostics.codes.keys import DKIM_MODE, DKIM_NAME, DKIM_OWNER, DKIM_PATH, UNKNOWN_SIGNER
from pmtaform.diagnostics.codes.secrets import SECRET_UNAVAILABLE
from pmtaform.diagnostics.codes.stack import MISSING_KEY, PATH_NOT_ALLOWED, SAID_TWICE, STACK_SHAPE, UNKNOWN_KEY
from pmtaform.diagnostics.codes.values import VALUE_SHAPE
from pmtaform.dkim.keys import SigningKey
from pmtaform.errors import Invalid
from pmtaform.lang import values as lang_values
from pmtaform.lang.blocks import SETTING
from pmtaform.lang.catalogue import GLOBAL, catalogue
from pmtaform.lang.tree import Directive, Section
from pmtaform.model.desired import KeyFile
from pmtaform.secrets import require_reference
from pmtaform.stack import foreach
from pmtaform.stack.content import Item, Key, Lines, Native, SectionItem, SectionText, StackLine
from pmtaform.stack.emit import Resolve
from pmtaform.stack.native import directive_named, with_lines
from pmtaform.stack.nodes import Mapping, Node, Scalar, Sequence, is_null, kind_of
from pmtaform.stack.paths import path_problem
from pmtaform.stack.private_keys import Referred, read_key
from pmtaform.stack.variables import Variables, substitute

FOLDER: Final = "/etc/pmta/dkim"
FIELDS: Final = (
    "private-key",
    "passphrase",
    "signs",
    "path",
    "mode",
    "owner",
    "group",
    "rotation",
    foreach.KEY,
)
_DOMAIN: Final = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)*[^\W_](?:[\w-]{0,61}[^\W_])?")
_SELECTOR: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9_])?")
_ACCOUNT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?")
_MODE: Final = re.compile(r"0?o?0?([0-7]{3})")
_MODES: Final = frozenset({0o400, 0o440, 0o600, 0o640})


@dataclass(slots=True)
class KeyPlan:
    """One key as a stack wants it. Fields of a higher layer replace those of a lower one."""

    domain: str
    selector: str
    place: Place
    fields: dict[str, tuple[Node, Variables]]
    signs: bool = True  # False: its file is there, and no line makes PowerMTA sign with it
    retires: bool = False  # it has signed, and its file is there for mail that waits


def keys_of(node: Node | None, variables: Variables, found: Diagnostics) -> dict[str, KeyPlan | None]:
    """The keys under a layer's `dkim-keys`, by `domain/selector`; None for one that is taken away."""
    keys: dict[str, KeyPlan | None] = {}
    if node is None or is_null(node):
        return keys
    if not isinstance(node, Mapping):
        detail = f"It is {kind_of(node)}: write `example.com/s1: {{private-key: REFERENCE}}`."
        found.report(STACK_SHAPE, detail, node.place)
        return keys
    places: dict[str, Place] = {}
    for key, value in node.items():
        loop = value.get(foreach.KEY) if isinstance(value, Mapping) else None
        walked = [variables] if loop is None else foreach.rounds(loop, variables, found) or []
        for inner in walked:
            name = substitute(key, inner, found)
            if name is None or not _named(name, key, found):
                continue
            if name in places:
                detail = f"`{name}` is already said at {places[name]}, or the key lacks its loop's variable."
                found.report(SAID_TWICE, detail, key.place, related=(places[name],))
                continue
            places[name] = key.place
            keys[name] = _plan(name, key, value, inner, found)
    return keys


def name_problem(domain: str, selector: str) -> str:
    """What is wrong with a key's name; empty: nothing. The domain may be `*`."""
    if not selector:
        return "Write DOMAIN/SELECTOR, as in example.com/s2026."
    if domain != "*" and (len(domain) > 253 or not _DOMAIN.fullmatch(domain)):
        return f"{domain!r} is no domain."
    if not _SELECTOR.fullmatch(selector) or ".." in selector:
        return f"{selector!r} is no selector: letters, digits, `-`, `_` and dots."
    return ""


def _named(name: str, key: Scalar, found: Diagnostics) -> bool:
    domain, _, selector = name.partition("/")
    problem = name_problem(domain, selector)
    if problem:
        found.report(DKIM_NAME, f"`{name!r}`: {problem}", key.place)
    return not problem


def _plan(name: str, key: Scalar, value: Node, variables: Variables, found: Diagnostics) -> KeyPlan | None:
    if is_null(value):
        return None
    domain, _, selector = name.partition("/")
    plan = KeyPlan(domain, selector, key.place, {})
    if not isinstance(value, Mapping):
        detail = f"It is {kind_of(value)}: write {{private-key: REFERENCE, signs: [VIRTUAL MTAS]}}."
        found.report(STACK_SHAPE, detail, value.place)
        return plan
    for field, node in value.items():
        if field.text not in FIELDS:
            detail = f"A DKIM key has no `{field.text}`.{did_you_mean(field.text, FIELDS)}"
            found.report(UNKNOWN_KEY, detail, field.place)
        elif field.text != foreach.KEY:
            plan.fields[field.text] = (node, variables)
    return plan


def merge(lower: dict[str, KeyPlan], upper: dict[str, KeyPlan | None]) -> dict[str, KeyPlan]:
    """`upper` over `lower`, field by field."""
    result = dict(lower)
    for name, plan in upper.items():
        if plan is None:
            result.pop(name, None)
        elif name in result:
            known = result[name]
            result[name] = KeyPlan(known.domain, known.selector, plan.place, {**known.fields, **plan.fields})
        else:
            result[name] = plan
    return result


class KeyCompiler:
    """Turns key plans into key files and `domain-key` lines."""

    def __init__(self, allowed: tuple[str, ...], resolve: Resolve | None, found: Diagnostics) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._found = found
        self._name = directive_named("domain-key")

    def compile(self, plans: dict[str, KeyPlan], items: dict[Key, Item], taken: set[str]) -> tuple[KeyFile, ...]:
        """The key files. Their lines are put into `items`. `taken` are paths that are something else already."""
        files: list[KeyFile] = []
        first: dict[str, Place] = {}
        wanted: dict[Key | None, list[StackLine]] = {}
        for plan in plans.values():
            file, targets = self._file(plan), self._targets(plan, items)
            if file is None:
                continue
            if file.path in first or file.path in taken:
                self._same_path(file, plan, first.get(file.path))
                continue
            first[file.path] = plan.place
            files.append(file)
            if not plan.signs:
                continue
            line = StackLine(self._name, f"{file.selector},{file.domain},{file.path}", plan.place)
            for target in targets:
                wanted.setdefault(target, []).append(line)
        for target, lines in wanted.items():
            self._insert(items, target, lines)
        return tuple(files)

    def _same_path(self, file: KeyFile, plan: KeyPlan, other: Place | None) -> None:
        what = f"The key at {other} is written to it already" if other else "It is a file of the configuration"
        detail = f"{file.path}: {what}. Give {file.address} a `path` of its own."
        self._found.report(DKIM_PATH, detail, plan.place, related=(other,) if other else ())

    # -- one key -----------------------------------------------------------------------------------------------------

    def _text(self, plan: KeyPlan, field: str) -> tuple[str, Place] | None:
        if field not in plan.fields:
            return None
        node, variables = plan.fields[field]
        if isinstance(node, Scalar) and node.is_null:
            return None
        if not isinstance(node, Scalar):
            detail = f"`{field}` is {kind_of(node)}, and one value belongs there."
            self._found.report(VALUE_SHAPE, detail, node.place)
            return None
        text = substitute(node, variables, self._found)
        return None if text is None else (text, node.place)

    def _file(self, plan: KeyPlan) -> KeyFile | None:
        reference = self._text(plan, "private-key")
        if reference is None:
            if "private-key" not in plan.fields:
                detail = f"{plan.domain}/{plan.selector} needs `private-key` with a reference to its PEM file."
                self._found.report(MISSING_KEY, detail, plan.place)
            return None
        path = self._path(plan)
        mode, owner, group = self._mode(plan), self._account(plan, "owner"), self._account(plan, "group")
        known = self._reference(reference, "A private key")
        phrase = self._text(plan, "passphrase")
        passphrase = self._reference(phrase, "A passphrase") if phrase is not None else None
        if known is None or path is None or (phrase is not None and passphrase is None):
            return None
        read, lost = self._read(plan, known, passphrase)
        return KeyFile(
            domain=plan.domain,
            selector=plan.selector,
            path=path,
            reference=known[0],
            passphrase=passphrase and passphrase[0],
            private_key=read.pem if read else None,
            description=read.describe if read else "",
            warnings=read.warnings if read else (),
            mode=mode,
            owner=owner,
            group=group,
            place=plan.place,
            lost=lost,
        )

    def _read(self, plan: KeyPlan, known: Referred, passphrase: Referred | None) -> tuple[SigningKey | None, str]:
        """The key, and why that of a retiring selector cannot be had: hosts have it, and keep it."""
        if self._resolve is None:
            return None, ""
        told = Diagnostics()
        read = read_key(known, passphrase, self._resolve, told)
        if plan.retires and told.errors and all(SECRET_UNAVAILABLE.describes(each) for each in told.errors):
            return None, " ".join(each.detail for each in told.errors)
        self._found.extend(told)
        return read, ""

    def _reference(self, given: Referred, what: str) -> Referred | None:
        try:
            return str(require_reference(given[0], what=what, place=given[1])), given[1]
        except Invalid as error:
            self._found.extend(error.diagnostics)
            return None

    def _path(self, plan: KeyPlan) -> str | None:
        given = self._text(plan, "path")
        if given is None and "path" in plan.fields and not is_null(plan.fields["path"][0]):
            return None
        if given is None and plan.domain == "*":
            detail = "A key for all domains (`*`) needs a `path`: the file cannot be named after its domain."
            self._found.report(DKIM_PATH, detail, plan.place)
            return None
        path, place = given or (f"{FOLDER}/{plan.selector}.{plan.domain}.pem", plan.place)
        problem = path_problem(path, self._allowed)
        if "," in path:
            problem = f"{path} has a comma, which separates the fields of `{self._name}`."
        if problem:
            self._found.report(PATH_NOT_ALLOWED, problem, place)
            return None
        return path

    def _mode(self, plan: KeyPlan) -> int:
        given = self._text(plan, "mode")
        if given is None:
            return 0o600
        found = _MODE.fullmatch(given[0])
        mode = int(found[1], 8) if found else -1
        if mode not in _MODES:
            detail = f"{given[0]!r}: a private key is 0600, 0400, 0640 or 0440, so that others cannot read it."
            self._found.report(DKIM_MODE, detail, given[1])
            return 0o600
        return mode

    def _account(self, plan: KeyPlan, field: str) -> str | None:
        given = self._text(plan, field)
        if given is not None and not _ACCOUNT.fullmatch(given[0]):
            detail = f"{given[0]!r} is not the name of a user or a group."
            self._found.report(DKIM_OWNER, detail, given[1])
            return None
        return given[0] if given else None

    # -- where it signs ----------------------------------------------------------------------------------------------

    def _targets(self, plan: KeyPlan, items: dict[Key, Item]) -> list[Key | None]:
        node, variables = plan.fields.get("signs", (None, Variables()))
        if node is None or is_null(node):
            return [None]
        scalars = node.items if isinstance(node, Sequence) else [node]
        targets: list[Key | None] = []
        for scalar in scalars:
            if not isinstance(scalar, Scalar):
                detail = "`signs` is a list of virtual MTAs and pools; leave it out for a key that signs for all."
                self._found.report(VALUE_SHAPE, detail, scalar.place)
                continue
            name = substitute(scalar, variables, self._found)
            if name is None:
                continue
            target = next((key for scope in _signers() if (key := (scope, name)) in items), None)
            if target is None:
                known = [key[1] for key in items if key[0] in _signers()]
                detail = f"This host has no virtual MTA or pool `{name}`, so the key would sign nothing."
                detail += f"{did_you_mean(name, known)} Declare it, or leave `signs` out for all."
                self._found.report(UNKNOWN_SIGNER, detail, scalar.place)
            elif target not in targets:
                targets.append(target)
        return targets

    def _insert(self, items: dict[Key, Item], target: Key | None, lines: list[StackLine]) -> None:
        if target is None:
            _into(items, self._name, GLOBAL, lines)
            return
        item = items[target]
        if isinstance(item, Native):
            section = item.block.parts[0].node
            assert isinstance(section, Section)  # noqa: S101 - its key is a section's
            there = {
                lang_values.normalise(catalogue().directive(section.tag, self._name), child.value)
                for child in section.children
                if isinstance(child, Directive) and child.name.lower() == self._name
            }
            more = [line for line in _ordered([], lines) if _normal(section.tag, self._name, line) not in there]
            items[target] = with_lines(item, more) if more else item
        elif isinstance(item, SectionItem):
            body = item.bodies[0]
            if isinstance(body, SectionText):
                there = {" ".join(text.split()) for text, _ in body.lines}
                texts = [(f"{line.name} {line.value}", line.place) for line in _ordered([], lines)]
                fresh = [pair for pair in texts if pair[0] not in there]
                items[target] = SectionItem(
                    item.place,
                    item.tag,
                    item.argument,
                    [SectionText(body.place, [*body.lines, *fresh]), *item.bodies[1:]],
                )
            else:
                _into(body.items, self._name, item.tag, lines)


def _signers() -> tuple[str, ...]:
    """The sections that a key can be given to."""
    return ("virtual-mta", "virtual-mta-pool")


def _normal(scope: str, name: str, line: StackLine) -> str:
    return lang_values.normalise(catalogue().directive(scope, name), line.value)


def _into(items: dict[Key, Item], name: str, scope: str, lines: list[StackLine]) -> None:
    known = items.get((SETTING, name))
    if isinstance(known, Native):
        _into_native(items, name, known, lines)
        return
    declared = known.lines if isinstance(known, Lines) else []
    there = {_normal(scope, name, line) for line in declared}
    fresh = [line for line in lines if _normal(scope, name, line) not in there]
    place = declared[0].place if declared else lines[0].place
    items[SETTING, name] = Lines(place, _ordered(declared, fresh))


def _into_native(items: dict[Key, Item], name: str, known: Native, lines: list[StackLine]) -> None:
    """Key lines of a native file and ours are one block, so the native ones become lines of ours."""
    declared = [
        StackLine(name, part.node.value, part.place) for part in known.block.parts if not isinstance(part.node, Section)
    ]
    there = {_normal(GLOBAL, name, line) for line in declared}
    fresh = [line for line in lines if _normal(GLOBAL, name, line) not in there]
    if fresh:
        items[SETTING, name] = Lines(known.place, _ordered(declared, fresh))


def _ordered(declared: list[StackLine], fresh: list[StackLine]) -> list[StackLine]:
    """The first key that fits signs, so keys for all domains come last."""
    merged = [*declared, *fresh]
    return [line for line in merged if not _for_all(line)] + [line for line in merged if _for_all(line)]


def _for_all(line: StackLine) -> bool:
    fields = line.value.split(",")
    return len(fields) > 1 and fields[1].strip() == "*"
