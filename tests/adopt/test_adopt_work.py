"""An import of many servers does a bounded amount of work: each is parsed once, each content linted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from signing_keys import pem

from pmtaform.adopt import keys, notes
from pmtaform.adopt.choices import KeysIn, Shape
from pmtaform.adopt.model import Adopted, KeyMaterial, Options, Server
from pmtaform.adopt.run import adopt
from pmtaform.lang.includes import Configuration
from pmtaform.stack import native

MAIN = "/etc/pmta/config"


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedServer(Server):
    """A server that counts how often it is parsed."""

    reads: Counter[str] = field(default_factory=Counter)

    def read(self) -> Configuration:
        self.reads[self.name] += 1
        return Server.read(self)


def server(number: int, reads: Counter[str], *, like: int | None = None) -> CountedServer:
    """A server with its own addresses and names; two keys sign for every virtual MTA."""
    own = number if like is None else like
    vmtas = "".join(
        f"<virtual-mta v{n}>\n  smtp-source-host 10.0.{own}.{n} v{n}.h{own}.example\n"
        f"  domain-key s1,a{n % 2}.example,/etc/pmta/dkim/a{n % 2}.pem\n  <domain x.example>\n"
        f"    max-smtp-out {n + 1}\n  </domain>\n</virtual-mta>\n"
        for n in range(20)
    )
    config = f"postmaster p@h{own}.example\ninclude /etc/pmta/more\n{vmtas}"
    return CountedServer(
        name=f"mta{number}",
        source=f"mta{number}",
        entry={"transport": "local", "root": f"hosts/mta{number}"},
        main=MAIN,
        contents={MAIN: config.encode(), "/etc/pmta/more": f"http-mgmt-port {8000 + own}\n".encode()},
        keys={f"/etc/pmta/dkim/a{n}.pem": KeyMaterial(content=pem(), mode=0o600) for n in range(2)},
        reads=reads,
    )


def imported(servers: Iterator[Server], shape: Shape, kind: KeysIn) -> Adopted:
    return adopt(servers, Options(stack="fleet", shape=shape, keys=kind))


@pytest.mark.parametrize("kind", [KeysIn.LEAVE, KeysIn.FILE])
@pytest.mark.parametrize("shape", Shape)
def test_each_server_is_parsed_once(shape: Shape, kind: KeysIn) -> None:
    reads: Counter[str] = Counter()
    made = imported((server(number, reads) for number in range(6)), shape, kind)
    assert [host.blocks for host in made.hosts] == [23] * 6
    assert reads == {f"mta{number}": 1 for number in range(6)}
    assert len(made.keys) == (2 if kind is KeysIn.FILE else 0)


def test_a_server_is_parsed_before_the_next_one_is_taken() -> None:
    reads: Counter[str] = Counter()

    def one_by_one() -> Iterator[Server]:
        for number in range(4):
            assert sum(reads.values()) == number
            yield server(number, reads)

    imported(one_by_one(), Shape.NATIVE, KeysIn.LEAVE)


def test_a_block_that_no_digest_proves_is_compared_with_the_server_again() -> None:
    """A comment is masked, so the copy is not the file; and the copy's last section is closed when it is compiled."""
    reads: Counter[str] = Counter()
    content = b"# password: hunter22\npostmaster p@a.example\n<virtual-mta v>\nsmtp-source-host 10.0.0.1 v.example\n"
    entry = {"transport": "local", "root": "x"}
    one = CountedServer(name="mta1", source="x", entry=entry, main=MAIN, contents={MAIN: content}, reads=reads)
    made = imported(iter([one]), Shape.NATIVE, KeysIn.LEAVE)
    assert [host.blocks for host in made.hosts] == [2]
    assert reads["mta1"] == 2


def test_a_file_that_a_stack_has_as_it_is_is_not_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    parse_bytes = native.parse_bytes
    monkeypatch.setattr(
        native, "parse_bytes", lambda content, path: (parsed.append(path), parse_bytes(content, path))[1]
    )
    imported((server(number, Counter()) for number in range(3)), Shape.NATIVE, KeysIn.LEAVE)
    assert parsed == []
    imported((server(number, Counter()) for number in range(3)), Shape.NATIVE, KeysIn.FILE)
    assert len(parsed) == 6


def test_each_content_is_linted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: Counter[str] = Counter()
    linted: list[str] = []
    lint = notes.lint
    monkeypatch.setattr(notes, "lint", lambda subject: (linted.append(subject.configuration.main), lint(subject))[1])
    made = imported((server(n, reads, like=n // 3) for n in range(6)), Shape.NATIVE, KeysIn.LEAVE)
    assert len(linted) == 2
    by_host = Counter(note.host for note in made.notes)
    assert len(set(by_host.values())) == 1
    assert len(by_host) == 6


def test_each_key_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: Counter[str] = Counter()
    checked: list[str] = []
    load = keys.load_private_key
    monkeypatch.setattr(
        keys, "load_private_key", lambda *a, **named: (checked.append(named["reference"]), load(*a, **named))[1]
    )
    imported((server(number, reads) for number in range(5)), Shape.NATIVE, KeysIn.FILE)
    assert sorted(checked) == ["/etc/pmta/dkim/a0.pem", "/etc/pmta/dkim/a1.pem"]
