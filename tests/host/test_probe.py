"""What a probe sees, whatever way leads to the host."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hostroot import CONFIG, NEW, OLD
from ways import Host

from pmtaform.errors import HostError
from pmtaform.host import HASH_ONLY, Known, Snapshot, digest

CONF_D = "/etc/pmta/conf.d/*.conf"


def includes(path: str, content: bytes) -> list[str]:
    return [line.split(" ", 1)[1] for line in content.decode().splitlines() if line.startswith("include ")]


def knowing(snapshot: Snapshot) -> Known:
    return Known(
        files={path: file.digest for path, file in snapshot.files.items()},
        patterns=tuple(snapshot.patterns),
        version=snapshot.version,
        version_stamp=snapshot.version_stamp,
    )


def test_a_host_reports_what_it_has(host: Host) -> None:
    seen = host.probe()
    file = seen.files[CONFIG]
    assert (file.content, file.digest, file.size, file.mode) == (OLD, digest(OLD), len(OLD), 0o640)
    assert file.owner
    assert file.group
    assert seen.version == "PowerMTA v5.0r1 (2019-02-12, 64-bit; stand-in)."
    assert seen.machine_id == "0123456789abcdef" * 2
    assert (seen.generation, seen.lock, seen.unsettled, seen.round_trips) == (0, None, None, 1)


def test_an_unchanged_host_costs_one_exec_and_sends_no_content(host: Host) -> None:
    host.root.put(CONFIG, b"include /etc/pmta/conf.d/*.conf\n")
    host.root.put("/etc/pmta/conf.d/a.conf", b"a\n")
    first = host.probe(includes=includes)
    calls = len(host.root.calls)
    again = host.probe(knowing(first), includes)
    assert again.round_trips == 1
    assert [file.content for file in again.files.values()] == [None, None]
    assert again.version == first.version
    assert len(host.root.calls) == calls, "pmta is not asked for its version while it is the same program"


def test_only_what_changed_is_sent(host: Host) -> None:
    host.root.put("/etc/pmta/other", b"other\n")
    known = Known(files={CONFIG: digest(OLD), "/etc/pmta/other": digest(b"another\n")})
    seen = host.probe(known)
    assert seen.files[CONFIG].content is None
    assert seen.files["/etc/pmta/other"].content == b"other\n"


def test_a_key_can_be_compared_without_being_sent(host: Host) -> None:
    host.root.put("/etc/pmta/keys/a.pem", b"private\n", 0o600)
    file = host.probe(Known(files={"/etc/pmta/keys/a.pem": HASH_ONLY})).files["/etc/pmta/keys/a.pem"]
    assert (file.content, file.digest, file.mode) == (None, digest(b"private\n"), 0o600)


def test_an_include_that_leads_out_of_the_root_is_not_followed(host: Host) -> None:
    """Whatever asks: `plan`, `drift`, `apply`, `recover` and `import` all probe."""
    if host.spec.root == "/":
        pytest.skip("nothing is outside of this root")
    (host.root.path.parent / "outside").mkdir()
    (host.root.path.parent / "outside/secret.conf").write_bytes(b"outside\n")
    out = "/../outside/secret.conf", "/etc/pmta/../../../outside/*.conf"
    host.root.put(CONFIG, "".join(f"include {path}\n" for path in (*out, "/etc/pmta/../near")).encode())
    host.root.put("/etc/near", b"near\n")
    before = Known(files={out[0]: None}, patterns=out[1:])  # as a state that an earlier pmtaform wrote
    for seen in (host.probe(includes=includes), host.probe(before, includes)):
        assert set(seen.files) == {CONFIG, "/etc/pmta/../near"}
        assert not any(seen.patterns.values())


def test_includes_are_followed_plain_and_wildcard_in_byte_order(host: Host) -> None:
    host.root.put(CONFIG, b"include /etc/pmta/conf.d/*.conf\ninclude /etc/pmta/plain\n")
    for name in ("b.conf", "B.conf", "a.conf", ".hidden.conf", "c.txt"):
        host.root.put(f"/etc/pmta/conf.d/{name}", name.encode())
    host.root.put("/etc/pmta/conf.d/a.conf", b"include /etc/pmta/deep\ninclude /etc/pmta/absent\n")
    host.root.put("/etc/pmta/plain", b"plain")
    host.root.put("/etc/pmta/deep", b"deep")
    seen = host.probe(includes=includes)
    assert seen.patterns == {CONF_D: tuple(f"/etc/pmta/conf.d/{n}.conf" for n in ("B", "a", "b"))}
    assert seen.files["/etc/pmta/deep"].content == b"deep"
    assert "/etc/pmta/plain" in seen.files
    assert seen.missing == {"/etc/pmta/absent"}
    assert seen.round_trips == 3


def test_a_circle_of_includes_ends(host: Host) -> None:
    host.root.put(CONFIG, b"include /etc/pmta/config\ninclude /etc/pmta/b\n")
    host.root.put("/etc/pmta/b", b"include /etc/pmta/config\n")
    assert set(host.probe(includes=includes).files) == {CONFIG, "/etc/pmta/b"}


def test_includes_without_end_are_an_error(folder: Host) -> None:
    for n in range(20):
        folder.root.put(f"/etc/pmta/{n}", f"include /etc/pmta/{n + 1}\n".encode())
    folder.root.put(CONFIG, b"include /etc/pmta/0\n")
    with pytest.raises(HostError, match="too-many-includes"):
        folder.probe(includes=includes)


def test_bytes_arrive_as_they_are(host: Host) -> None:
    content = bytes(range(256)) * 300 + b"\r\nno newline at the end \\ $(id) `id`"
    host.root.put(CONFIG, content)
    assert host.probe().files[CONFIG].content == content


NAMES = (
    "a b",
    "$(touch x)",
    "`id`",
    "a;b",
    "-rf",
    "ä\u20ac",
    "*",
    "[a]",
    "'q'",
    '"q"',
    "a\\b",
    "~",
    " lead",
    "trail ",
    "x&y|z<>",
)


def test_names_are_data(host: Host) -> None:
    paths = [f"/etc/pmta/{name}" for name in NAMES]
    for path in paths:
        host.root.put(path, path.encode())
    seen = host.probe(Known(files=dict.fromkeys(paths)))
    assert {path: seen.files[path].content for path in paths} == {path: path.encode() for path in paths}
    hashed = host.probe(Known(files=dict.fromkeys(paths, HASH_ONLY))).files
    assert {path: hashed[path].digest for path in paths} == {path: digest(path.encode()) for path in paths}
    assert host.root.strays() == []


@pytest.mark.parametrize("pattern", ["/etc/pmta/$(id)*", "/etc/pmta/a b*.conf", "/etc/pmta/`id`?", "/etc/pmta/x;y*"])
def test_patterns_are_expanded_and_nothing_else(host: Host, pattern: str) -> None:
    real = pattern.replace("*", "1").replace("?", "1")
    host.root.put(real, b"content")
    assert host.probe(Known(patterns=(pattern,))).patterns == {pattern: (real,)}


def test_a_newline_in_a_path_is_refused_before_anything_is_sent(folder: Host) -> None:
    with pytest.raises(HostError, match="control-character"):
        folder.probe(Known(files={"/etc/pmta/a\nroot /": None}))


def test_links_folders_and_other_things_are_not_read(disk: Host) -> None:
    disk.root.put("/etc/secret", b"secret")
    disk.root.at("/etc/pmta/link").symlink_to(disk.root.at("/etc/secret"))
    disk.root.at("/etc/pmta/dir").symlink_to(disk.root.at("/etc"))
    disk.root.at("/etc/pmta/folder").mkdir()
    os.mkfifo(disk.root.at("/etc/pmta/fifo"))
    asked = ["/etc/pmta/link", "/etc/pmta/dir/secret", "/etc/pmta/folder", "/etc/pmta/fifo"]
    seen = disk.probe(Known(files=dict.fromkeys(asked)))
    assert set(seen.unreadable) == set(asked)
    assert seen.unreadable["/etc/pmta/link"].startswith("a symbolic link (/etc/pmta/link -> ")
    assert seen.unreadable["/etc/pmta/dir/secret"].startswith("a symbolic link (/etc/pmta/dir -> ")
    assert seen.unreadable["/etc/pmta/folder"] == "a folder"
    assert seen.unreadable["/etc/pmta/fifo"] == "not a regular file"
    assert list(seen.files) == [CONFIG]


def test_a_huge_file_is_not_sent(folder: Host) -> None:
    folder.root.put("/etc/pmta/huge", b"")
    os.truncate(folder.root.at("/etc/pmta/huge"), 65 << 20)
    seen = folder.probe(Known(files={"/etc/pmta/huge": None}))
    assert seen.unreadable == {"/etc/pmta/huge": "larger than 64 MiB"}


def test_a_host_without_pmta_has_no_version(host: Host) -> None:
    host.root.remove("/usr/sbin/pmta")
    seen = host.probe()
    assert (seen.version, seen.version_stamp) == (None, "")


def test_a_version_that_hangs_is_bounded(folder: Host) -> None:
    folder.root.tell("hang-version")
    folder.spec = replace(folder.spec, command_timeout=1.0)
    assert folder.probe().version is None


def test_control_characters_of_the_host_do_not_get_through(folder: Host) -> None:
    folder.root.put("/usr/sbin/pmta", b"#!/bin/sh\nprintf 'v5 \\033[31mred\\033]0;title\\007\\tx\\r\\n'\n", 0o755)
    assert folder.probe().version == "v5 red x"


def test_a_thousand_files_are_one_round_trip(folder: Host) -> None:
    paths = [f"/etc/pmta/keys/{n:04d}.pem" for n in range(300)]
    for path in paths:
        folder.root.put(path, path.encode(), 0o600)
    seen = folder.probe(Known(files={p: digest(p.encode()) for p in paths}))
    assert seen.round_trips == 1
    assert all(seen.files[p].content is None and seen.files[p].mode == 0o600 for p in paths)


def test_a_relative_root_is_this_folder(folder: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.root.path.parent)
    folder.spec = replace(folder.spec, root="root")
    assert folder.probe().files[CONFIG].content == OLD


def test_probing_leaves_no_trace(disk: Host) -> None:
    before = disk.root.tree()
    disk.probe()
    assert disk.root.tree() == before
    assert not disk.root.at("/var").exists()


def test_a_known_file_that_went_is_missing_and_one_that_came_is_sent(host: Host) -> None:
    host.root.put("/etc/pmta/new", NEW)
    seen = host.probe(Known(files={"/etc/pmta/gone": digest(OLD), "/etc/pmta/new": "-"}))
    assert seen.missing == {"/etc/pmta/gone"}
    assert seen.files["/etc/pmta/new"].content == NEW
