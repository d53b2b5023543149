"""`files` as it is written: the files beside the configuration, layer over layer."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from typing import ClassVar, Final

from pmtaform.diagnostics import Diagnostics
from pmtaform.stack import foreach
from pmtaform.stack.entries import EntryForm, StackEntry, merge_entries, read_entries
from pmtaform.stack.nodes import Node
from pmtaform.stack.variables import Variables

SOURCES: Final = ("file", "content", "secret")
FIELDS: Final = (*SOURCES, "private-key", "key-file", "kind", "mode", "owner", "group", foreach.KEY)


@dataclass(slots=True)
class FilePlan(StackEntry):
    """One file by the stack, under its path on the host."""

    raw: ClassVar[frozenset[str]] = frozenset({"content"})  # PowerMTA's DSN templates have their own ${…}

    @property
    def path(self) -> str:
        """Its path on the host."""
        return self.name


_FORM: Final = EntryForm(
    make=FilePlan,
    noun="A file",
    fields=FIELDS,
    example="`/etc/pmta/tls/mx.pem: {file: tls/mx.pem}`",
    body="{file: FILE}, {secret: REFERENCE} or {content: |}",
    check=lambda _name, _place, _found: True,  # paths are checked once all layers are known
)


def files_of(node: Node | None, variables: Variables, problems: Diagnostics) -> dict[str, FilePlan | None]:
    """The files under a layer's `files`, by path; None for one that the layer removes."""
    return read_entries(node, _FORM, "files", variables, problems)


def merge_files(lower: MappingType[str, FilePlan], upper: MappingType[str, FilePlan | None]) -> dict[str, FilePlan]:
    """The files of a higher layer over those of a lower one; where a file's content comes from counts as one field."""
    return merge_entries(lower, upper, exclusive=SOURCES)
