"""The key files of a host, from `dkim-keys`."""

from __future__ import annotations

import re
from typing import Final

from pmtaform.diagnostics import Diagnostics, Place
from pmtaform.diagnostics.codes.keys import DKIM_MODE, DKIM_OWNER, DKIM_PATH
from pmtaform.diagnostics.codes.secrets import SECRET_UNAVAILABLE
from pmtaform.diagnostics.codes.stack import MISSING_KEY, PATH_NOT_ALLOWED
from pmtaform.dkim.keys import SigningKey
from pmtaform.errors import Invalid
from pmtaform.model.desired import KeyFile
from pmtaform.secrets import require_reference
from pmtaform.stack.content import Item, Key, StackLine
from pmtaform.stack.emit import Resolve
from pmtaform.stack.key_lines import KeyLines
from pmtaform.stack.key_plans import KeyPlan
from pmtaform.stack.nodes import is_null
from pmtaform.stack.paths import path_problem
from pmtaform.stack.private_keys import Referred, read_key

FOLDER: Final = "/etc/pmta/dkim"
_ACCOUNT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?")
_MODE: Final = re.compile(r"0?o?0?([0-7]{3})")
_MODES: Final = frozenset({0o400, 0o440, 0o600, 0o640})


class KeyCompiler:
    """Turns key plans into key files and `domain-key` lines."""

    def __init__(self, allowed: tuple[str, ...], resolve: Resolve | None, problems: Diagnostics) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._problems = problems
        self._lines = KeyLines(problems)

    def compile(self, plans: dict[str, KeyPlan], items: dict[Key, Item], taken: set[str]) -> tuple[KeyFile, ...]:
        """The key files. Their lines are put into `items`. `taken` are paths of other files."""
        files: list[KeyFile] = []
        first: dict[str, Place] = {}
        wanted: dict[Key | None, list[StackLine]] = {}
        for plan in plans.values():
            file, targets = self._file(plan), self._lines.targets(plan, items)
            if file is None:
                continue
            if file.path in first or file.path in taken:
                self._same_path(file, plan, first.get(file.path))
                continue
            first[file.path] = plan.place
            files.append(file)
            if not plan.signs:
                continue
            line = StackLine(self._lines.name, f"{file.selector},{file.domain},{file.path}", plan.place)
            for target in targets:
                wanted.setdefault(target, []).append(line)
        self._lines.insert(items, wanted)
        return tuple(files)

    def _same_path(self, file: KeyFile, plan: KeyPlan, other: Place | None) -> None:
        what = f"The key at {other} has this path" if other else "It is a file of the configuration"
        detail = f"{file.path}: {what}. Give {file.address} another `path`."
        self._problems.report(DKIM_PATH, detail, plan.place, related=(other,) if other else ())

    # -- one key -----------------------------------------------------------------------------------------------------

    def _file(self, plan: KeyPlan) -> KeyFile | None:
        reference = plan.text("private-key", self._problems)
        if reference is None:
            if "private-key" not in plan.fields:
                detail = f"{plan.domain}/{plan.selector} needs `private-key` with a reference to its PEM file."
                self._problems.report(MISSING_KEY, detail, plan.place)
            return None
        path = self._path(plan)
        mode, owner, group = self._mode(plan), self._account(plan, "owner"), self._account(plan, "group")
        known = self._reference(reference, "A private key")
        phrase = plan.text("passphrase", self._problems)
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
        """The key, or why the key of a retiring selector is not available: hosts keep the file that they have."""
        if self._resolve is None:
            return None, ""
        errors = Diagnostics()
        read = read_key(known, passphrase, self._resolve, errors)
        if plan.retires and errors.errors and all(SECRET_UNAVAILABLE.describes(each) for each in errors.errors):
            return None, " ".join(each.detail for each in errors.errors)
        self._problems.extend(errors)
        return read, ""

    def _reference(self, given: Referred, what: str) -> Referred | None:
        try:
            return str(require_reference(given[0], what=what, place=given[1])), given[1]
        except Invalid as error:
            self._problems.extend(error.diagnostics)
            return None

    def _path(self, plan: KeyPlan) -> str | None:
        given = plan.text("path", self._problems)
        if given is None and "path" in plan.fields and not is_null(plan.fields["path"][0]):
            return None
        if given is None and plan.domain == "*":
            detail = "A key for all domains (`*`) needs a `path`: the file cannot be named after its domain."
            self._problems.report(DKIM_PATH, detail, plan.place)
            return None
        path, place = given or (f"{FOLDER}/{plan.selector}.{plan.domain}.pem", plan.place)
        problem = path_problem(path, self._allowed)
        if "," in path:
            problem = f"{path} has a comma, which separates the fields of `{self._lines.name}`."
        if problem:
            self._problems.report(PATH_NOT_ALLOWED, problem, place)
            return None
        return path

    def _mode(self, plan: KeyPlan) -> int:
        given = plan.text("mode", self._problems)
        if given is None:
            return 0o600
        match = _MODE.fullmatch(given[0])
        mode = int(match[1], 8) if match else -1
        if mode not in _MODES:
            detail = f"{given[0]!r}: a private key is 0600, 0400, 0640 or 0440, so that others cannot read it."
            self._problems.report(DKIM_MODE, detail, given[1])
            return 0o600
        return mode

    def _account(self, plan: KeyPlan, field: str) -> str | None:
        given = plan.text(field, self._problems)
        if given is not None and not _ACCOUNT.fullmatch(given[0]):
            detail = f"{given[0]!r} is not the name of a user or a group."
            self._problems.report(DKIM_OWNER, detail, given[1])
            return None
        return given[0] if given else None
