"""Registries: our own things by name, those of plug-ins through entry points, and what is wrong with a plug-in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from distributions import install

from pmtaform.registry import PlugInBroken, Registry


def registry() -> Registry[str]:
    return Registry(
        "pmtaform.test_words",
        noun="word",
        kind="builtins:str",
        own={"own": "string:digits", "other": "string:hexdigits"},
    )


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> object:
    def make(line: str, text: str = "WORD = 'theirs'\n", *, name: str = "acme-words", folder: str = "site") -> None:
        module = line.partition("=")[2].partition(":")[0].strip()
        entry_points = f"[pmtaform.test_words]\n{line}\n"
        install(
            monkeypatch,
            tmp_path / folder,
            name=name,
            version="1.2",
            entry_points=entry_points,
            modules={f"{module}.py": text},
        )

    return make


def test_a_thing_of_our_own_is_found_by_name() -> None:
    words = registry()
    assert words["own"] == "0123456789"
    assert "own" in words
    assert words.names() == ("own", "other")


def test_an_unknown_name_is_in_no_registry() -> None:
    assert "nothing" not in registry()
    with pytest.raises(KeyError):
        registry()["nothing"]


def test_a_plug_in_is_found_by_its_entry_point(plug_in) -> None:
    plug_in("theirs = acme_words:WORD")
    words = registry()
    assert "theirs" in words
    assert words["theirs"] == "theirs"
    assert words.names() == ("own", "other", "theirs")
    assert dict(words.all())["theirs"] == "theirs"


def test_a_plug_in_cannot_replace_a_thing_of_our_own(plug_in) -> None:
    plug_in("own = acme_words:WORD")
    assert registry()["own"] == "0123456789"
    assert registry().names() == ("own", "other")


@pytest.mark.parametrize(
    ("line", "text", "why"),
    [
        ("theirs = acme_words:WORD", "raise RuntimeError('no \\x1b[31mluck')\n", "RuntimeError: no [31mluck"),
        ("theirs = acme_words:WORD", "import not_there_at_all\n", "ModuleNotFoundError"),
        ("theirs = acme_words:MISSING", "WORD = 'theirs'\n", "AttributeError"),
        ("theirs = acme_words:WORD", "WORD = 1\n", "it is of type int, not str"),
        ("The_Irs = acme_words:WORD", "WORD = 'theirs'\n", "Its name"),
    ],
)
def test_a_broken_plug_in_names_its_distribution(plug_in, line: str, text: str, why: str) -> None:
    plug_in(line, text)
    with pytest.raises(PlugInBroken) as failure:
        registry()[line.partition(" ")[0]]
    [diagnostic] = failure.value.diagnostics
    assert diagnostic.code == "plugin-broken"
    assert "acme-words 1.2" in diagnostic.detail
    assert why in diagnostic.detail
    assert diagnostic.detail.endswith("\n    pip uninstall acme-words")


def test_a_broken_plug_in_does_not_matter_until_it_is_asked_for(plug_in) -> None:
    plug_in("theirs = acme_words:WORD", "raise RuntimeError\n")
    assert registry()["own"] == "0123456789"
    assert "theirs" in registry().names()


def test_two_plug_ins_of_one_name_are_both_named(plug_in) -> None:
    plug_in("theirs = acme_words:WORD")
    plug_in("theirs = more_words:WORD", name="more-words", folder="other")
    with pytest.raises(PlugInBroken) as failure:
        registry()["theirs"]
    [diagnostic] = failure.value.diagnostics
    assert "acme-words 1.2" in diagnostic.detail
    assert "more-words 1.2" in diagnostic.detail


def test_a_distribution_that_is_in_the_path_twice_counts_once(plug_in) -> None:
    plug_in("theirs = acme_words:WORD")
    plug_in("theirs = acme_words:WORD", folder="other")
    assert registry()["theirs"] == "theirs"


def test_a_thing_of_our_own_is_got_without_a_look_for_plug_ins() -> None:
    program = (
        "import sys\n"
        "from pmtaform.registry import Registry, _plug_ins\n"
        "words = Registry('pmtaform.test_words', noun='word', kind='builtins:str', own={'own': 'string:digits'})\n"
        "words['own'], 'own' in words\n"
        "print(_plug_ins.cache_info().misses, 'importlib.metadata' in sys.modules)\n"
        "words.names()\n"
        "print('importlib.metadata' in sys.modules)\n"
    )
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert process.stdout == "0 False\nFalse\n"
