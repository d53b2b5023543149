"""The history of rotated keys on the disk: read strictly, written whole, and never with a private key."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pmtaform.errors import StateDamaged
from pmtaform.model.rotation import KeyHistory, SelectorLife
from pmtaform.state.rotation_file import RotationFile
from pmtaform.state.rotations import encode

AT = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
HISTORY = KeyHistory(
    current="s-20260101",
    lives=(
        SelectorLife(selector="s-20260101", generated=AT, signed=AT, bounce_after=timedelta(hours=108), public="AQ==",
             algorithm="rsa"),
        SelectorLife(selector="s-20260331", published=AT, verified=AT),
    ),
)  # fmt: skip


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    kept = RotationFile(tmp_path / "state", "fleet")
    kept.save({"example.com/s": HISTORY, "a.example/t": KeyHistory()})
    assert RotationFile(tmp_path / "state", "fleet").load() == {"example.com/s": HISTORY, "a.example/t": KeyHistory()}
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert [p.name for p in kept.path.parent.iterdir()] == ["fleet.dkim.json"]


def test_one_selector_is_one_line(tmp_path: Path) -> None:
    text = encode("fleet", {"example.com/s": HISTORY}).decode()
    assert json.loads(text)["keys"]["example.com/s"]["current"] == "s-20260101"
    assert [line for line in text.splitlines() if "s-20260331" in line] == [
        '    {"selector": "s-20260331", "published": "2026-01-31T12:00:00Z", "verified": "2026-01-31T12:00:00Z"}'
    ]


def test_nothing_is_written_when_nothing_is_new(tmp_path: Path) -> None:
    kept = RotationFile(tmp_path, "fleet")
    kept.save({})
    assert not kept.path.exists()
    kept.save({"example.com/s": HISTORY})
    inode = kept.path.stat().st_ino
    again = RotationFile(tmp_path, "fleet")
    again.save(again.load())
    assert kept.path.stat().st_ino == inode


def document(**changed: Any) -> str:
    tree = json.loads(encode("fleet", {"example.com/s": HISTORY}))
    return json.dumps({**tree, **changed})


def one(**changed: Any) -> str:
    return document(keys={"k": {"current": None, "selectors": [{"selector": "s", **changed}]}})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("[]", "must be an object in braces"),
        (document(kind="pmtaform-plan"), "no history of rotations"),
        (document(stack="other"), "that of another stack"),
        (document(more=1), "more: unknown entry"),
        (document(keys=[]), "keys: must be an object in braces"),
        (document(keys={"k": {"current": 1, "selectors": []}}), 'keys["k"].current: must be a text'),
        (document(keys={"k": {"current": None, "selectors": [{"selector": "s"}, {"selector": "s"}]}}), "appears twice"),
        (one(signed="yesterday"), 'keys["k"].selectors[0].signed: must be a time'),
        (one(signed="2026-02-31T00:00:00Z"), "there is no such time"),
        (one(private="x"), "private: unknown entry"),
        (one(public="-----BEGIN PRIVATE KEY-----"), "public: must be a public key"),
        (one(**{"bounce-after": -1}), "bounce-after: must be a number of seconds"),
        (document()[:-1] + ', "format": 1}', "appears twice"),
    ],
)
def test_what_is_wrong_is_reported_and_never_guessed(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "fleet.dkim.json").write_text(text)
    with pytest.raises(StateDamaged) as caught:
        RotationFile(tmp_path, "fleet").load()
    (told,) = caught.value.diagnostics
    assert told.code == "rotation-damaged"
    assert says in told.detail
    assert "none is used or removed too early" in told.detail


def test_a_later_format_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "fleet.dkim.json").write_text(document(format=2))
    with pytest.raises(StateDamaged, match="rotation-too-new"):
        RotationFile(tmp_path, "fleet").load()
