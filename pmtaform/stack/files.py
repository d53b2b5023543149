"""`files`: TLS certificates, the licence, included fragments and whatever else a directive names, for one host."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from pmtaform.diagnostics import Diagnostics, did_you_mean
from pmtaform.diagnostics.codes.stack import PATH_NOT_ALLOWED
from pmtaform.diagnostics.codes.stack_files import FILE_INCLUDED, FILE_KIND, FILE_MODE, FILE_OWNER, FILE_PATH
from pmtaform.lang.blocks import Address, Block, directives_in
from pmtaform.lang.catalogue import GLOBAL, catalogue
from pmtaform.lang.includes import include_path, is_url, may_name
from pmtaform.model.desired import FileRole, KeyFile, ManagedFile
from pmtaform.pem import has_certificate, has_private_key
from pmtaform.stack.assets import Assets
from pmtaform.stack.emit import Resolve
from pmtaform.stack.file_checks import check_contents, check_keys_beside
from pmtaform.stack.file_content import Content, ContentReader
from pmtaform.stack.file_plans import FilePlan
from pmtaform.stack.paths import file_problem

LICENCE: Final = "/etc/pmta/license"
_ACCOUNT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?")
_MODE: Final = re.compile(r"0?o?0?([0-7]{3})")
_FIT_MODE: Final = re.compile(r"[46][046][04]")


class FileCompiler:
    """Compiles the files of a stack into the files that one host should have."""

    def __init__(
        self, allowed: tuple[str, ...], assets: Assets, resolve: Resolve | None, problems: Diagnostics
    ) -> None:
        self._allowed = allowed
        self._reader = ContentReader(assets, resolve, problems)
        self._problems = problems

    def compile(
        self,
        plans: Mapping[str, FilePlan],
        blocks: Mapping[Address, Block],
        keys: Iterable[KeyFile],
        taken: Collection[str],
    ) -> tuple[ManagedFile, ...]:
        """The host's managed files. `blocks` is its configuration; `taken` are the paths of its configuration files."""
        if not plans:
            return ()  # most stacks: no look at every directive for what it includes
        whole, inner = _includes(blocks)
        homes = dict.fromkeys(taken, "It is a file of the configuration")
        homes |= {key.path: f"{key.address} is written to it" for key in keys}
        files: list[ManagedFile] = []
        for plan in plans.values():
            if self._stands_alone(plan, homes, plans, whole):
                included = any(may_name(argument, plan.path) for argument in inner)
                file = self._file(plan, included=included)
                if file is not None:
                    files.append(file)
        check_contents(files, self._problems)
        check_keys_beside(files, _with_key(blocks), self._problems)
        return tuple(files)

    def _stands_alone(
        self, plan: FilePlan, homes: Mapping[str, str], plans: Mapping[str, FilePlan], whole: Iterable[str]
    ) -> bool:
        """Whether the path may be written, and nothing else is there."""
        if problem := file_problem(plan.path, self._allowed):
            self._problems.report(PATH_NOT_ALLOWED, problem, plan.place)
            return False
        if plan.path in homes:
            detail = f"{plan.path}: {homes[plan.path]}. Give this file another path, or take it out of `files`."
            self._problems.report(FILE_PATH, detail, plan.place)
            return False
        folder = next((other for other in (*homes, *plans) if other.startswith(f"{plan.path}/")), None)
        if folder is not None:
            detail = f"{plan.path} would be a file, and the folder of {folder}, too. Give one of them another path."
            self._problems.report(FILE_PATH, detail, plan.place)
            return False
        argument = next((argument for argument in whole if may_name(argument, plan.path)), None)
        if argument is not None:
            detail = f"`include {argument}` reads {plan.path} as a part of the configuration itself, whose blocks are "
            detail += f"planned by name. Write it under `native` instead: {{file: FILE, path: {plan.path}}}."
            self._problems.report(FILE_INCLUDED, detail, plan.place)
            return False
        return True

    # -- one file ----------------------------------------------------------------------------------------------------

    def _file(self, plan: FilePlan, *, included: bool) -> ManagedFile | None:
        before = len(self._problems.errors)
        content = self._reader.content(plan)
        role = self._role(plan, content, included=included)
        mode = self._mode(plan, role, secret=content.secret)
        key_file = plan.text("key-file", self._problems)
        file = ManagedFile(
            path=plan.path,
            role=role,
            source=content.source,
            content=content.whole,
            public=content.public,
            secret=content.secret,
            mode=mode,
            owner=self._account(plan, "owner"),
            group=self._account(plan, "group"),
            key_file=key_file[0] if key_file else None,
            place=plan.place,
        )
        return file if len(self._problems.errors) == before else None

    def _role(self, plan: FilePlan, content: Content, *, included: bool) -> FileRole:
        kind = plan.text("kind", self._problems)
        if kind is not None:
            if kind[0] in set(FileRole):
                return FileRole(kind[0])
            detail = f"{kind[0]!r}: write one of {', '.join(FileRole)}.{did_you_mean(kind[0], set(FileRole))}"
            self._problems.report(FILE_KIND, detail, kind[1])
        if plan.path == LICENCE:
            return FileRole.LICENCE
        if included:
            return FileRole.FRAGMENT
        value = content.whole.reveal() if content.whole is not None else content.public or b""
        if has_certificate(value) or "private-key" in plan.fields:
            return FileRole.CERTIFICATE
        return FileRole.PRIVATE_KEY if has_private_key(value) else FileRole.TEXT

    def _mode(self, plan: FilePlan, role: FileRole, *, secret: bool) -> int | None:
        given = plan.text("mode", self._problems)
        if given is None:
            return None
        digits = _MODE.fullmatch(given[0])
        if digits is None or not _FIT_MODE.fullmatch(digits[1]):
            detail = (
                f"{given[0]!r}: write 0600, 0640, 0644, 0400, 0440 or 0444. Such a file is never run, and only its "
            )
            detail += "owner may write to it."
            self._problems.report(FILE_MODE, detail, given[1])
            return None
        mode = int(digits[1], 8)
        private = role in {FileRole.PRIVATE_KEY, FileRole.LICENCE} or "private-key" in plan.fields
        if mode & 0o007 and (private or (secret and plan.text("kind", self._problems) is None)):
            detail = (
                f"{plan.path} is a secret, and {mode:04o} lets every user of the host read it. Write 0600 or 0640; "
            )
            detail += "if it is not secret (a certificate out of a vault), set its `kind`."
            self._problems.report(FILE_MODE, detail, given[1])
            return None
        return mode

    def _account(self, plan: FilePlan, field: str) -> str | None:
        given = plan.text(field, self._problems)
        if given is not None and not _ACCOUNT.fullmatch(given[0]):
            detail = f"{given[0]!r} is not the name of a user or a group. Numbers are not taken: they differ by host."
            self._problems.report(FILE_OWNER, detail, given[1])
            return None
        return given[0] if given else None


def _includes(blocks: Mapping[Address, Block]) -> tuple[list[str], list[str]]:
    """What is included as configuration, and what inside of sections."""
    whole: list[str] = []
    inner: list[str] = []
    for block in blocks.values():
        for _, _, directive in directives_in(block):
            if directive.name.lower() == "include" and directive.value and not is_url(directive.value):
                (inner if block.is_section else whole).append(include_path(directive.value))
    return whole, inner


def _with_key(blocks: Mapping[Address, Block]) -> dict[str, str]:
    """Path -> directive, of the certificates that must have their private key in the same file."""
    names: dict[str, str] = {}
    for block in blocks.values():
        for _, path, directive in directives_in(block):
            scope = path[-1].partition("[")[0] if path else block.address.kind if block.is_section else GLOBAL
            spec = catalogue().directive(scope, directive.name)
            if spec is not None and spec.sensitive == "second" and directive.value:
                names.setdefault(directive.value.split()[0].strip('"'), directive.name)
    return names
