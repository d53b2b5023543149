"""The data about mailbox providers and replies, by version."""

from __future__ import annotations

import csv
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from pmtaform.policy.known_replies import LabelledReply, labelled
from pmtaform.policy.model import (
    Confidence,
    KnownLimit,
    MailboxProvider,
    MxPattern,
    Publication,
    ReplyToken,
    SenderRequirement,
)
from pmtaform.policy.standard_rules import StandardRule, standard_rules

_VERSION = re.compile(r"\d{4}\.\d{1,2}")


@dataclass(frozen=True)
class PolicyData:
    """One version of the data; each file is read when it is first needed."""

    version: str
    folder: Traversable

    @cached_property
    def providers(self) -> Mapping[str, MailboxProvider]:
        """The providers by id, in the order of the file."""
        rows = json.loads(self._text("providers.json"))["providers"]
        return {row["id"]: _provider(self.version, row) for row in rows}

    @cached_property
    def publications(self) -> Mapping[str, Publication]:
        """The sources of facts by id."""
        return {row["id"]: Publication(*row.values()) for row in self._rows("sources.tsv")}

    @cached_property
    def replies(self) -> tuple[LabelledReply, ...]:
        """Real replies, each with the class that a person gave it."""
        return tuple(labelled(row) for row in self._rows("replies.tsv"))

    @cached_property
    def rule_owners(self) -> tuple[str, ...]:
        """The ids for which there are rules, also of providers that are in no other file."""
        return tuple(dict.fromkeys((*self._rules["providers"], *self._rules["same-as"])))

    def rules_for(self, provider: str | None) -> tuple[StandardRule, ...]:
        """The rules for replies of a provider (None: of any), in order: its own first, then those for everyone."""
        if provider not in self._by_provider:
            self._by_provider[provider] = standard_rules(self._rules, provider)
        return self._by_provider[provider]

    @cached_property
    def _by_provider(self) -> dict[str | None, tuple[StandardRule, ...]]:
        return {}

    @cached_property
    def _rules(self) -> Mapping[str, Any]:
        return tomllib.loads(self._text("rules.toml"))

    def _rows(self, name: str) -> list[dict[str, str]]:
        return list(csv.DictReader(self._text(name).splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))

    def _text(self, name: str) -> str:
        return self.folder.joinpath(name).read_text(encoding="utf-8")


class PolicyLibrary:
    """Every version of the data below one folder."""

    def __init__(self, folder: Traversable) -> None:
        found = [each for each in folder.iterdir() if each.is_dir() and _VERSION.fullmatch(each.name)]
        self._data = {each.name: PolicyData(each.name, each) for each in sorted(found, key=_age)}

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions, the oldest first."""
        return tuple(self._data)

    @property
    def latest(self) -> PolicyData:
        """The newest version."""
        return self._data[self.versions[-1]]

    def __getitem__(self, version: str) -> PolicyData:
        """One version. Raises `KeyError` for one that does not exist."""
        return self._data[version]


@cache
def library() -> PolicyLibrary:
    """The data that comes with pmtaform."""
    return PolicyLibrary(resources.files("pmtaform.policy").joinpath("data"))


def _age(folder: Traversable) -> tuple[int, ...]:
    return tuple(int(part) for part in folder.name.split("."))


def _provider(version: str, row: Mapping[str, Any]) -> MailboxProvider:
    return MailboxProvider(
        id=row["id"],
        version=version,
        name=row["name"],
        domains=tuple(row["domains"]),
        domains_source=row["domains_source"],
        mx=tuple(MxPattern(mx["pattern"], *_basis(mx)) for mx in row["mx"]),
        limits=tuple(KnownLimit(each["kind"], each["value"], *_basis(each), each["note"]) for each in row["limits"]),
        replies=tuple(_token(each) for each in row["throttle"]),
        requirements=tuple(SenderRequirement(each["text"], *_basis(each)) for each in row["requirements"]),
        postmaster=row["postmaster"],
        notes=row["notes"],
        tls=row["tls"],
    )


def _token(row: Mapping[str, Any]) -> ReplyToken:
    return ReplyToken(row["code"], row["token"], row["means"], row["scope"], *_basis(row))


def _basis(row: Mapping[str, Any]) -> tuple[str, Confidence]:
    return row["source"], Confidence(row["confidence"])
