"""One server: what its stack looks like, comments, forms, and what is refused."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from adopting import Adopting, codes, forms
from hypothesis import example, given
from hypothesis import strategies as st
from sshd import Sshd

from pmtaform.adopt.choices import Form, Shape
from pmtaform.adopt.model import Options, Server
from pmtaform.adopt.run import adopt
from pmtaform.adopt.servers import read_sources
from pmtaform.api.adopting import Login
from pmtaform.diagnostics.codes.imports import BLOCK_OMITTED
from pmtaform.errors import HostError, PmtaformError, Unreachable, UsageError
from pmtaform.lang.catalogue import catalogue


def text(value: str) -> str:
    return dedent(value).lstrip("\n")


def test_a_stack_reads_well(adopting: Adopting) -> None:
    server = adopting.server(
        text("""
        # The mail server.
        # Ask Ann.

        postmaster a@b.example   # who reads it
        run-as-root no
        http-access 127.0.0.1 admin
        http-access 0/0 none
        # who counts as gmail
        domain-macro g gmail.com, googlemail.com
        domain-macro one a.example
        # -- domains --

        # everybody
        <domain *>   # star
            max-smtp-out 20
            # slowly
            max-msg-rate 10/h   # per hour
            # that was it
        </domain>
        <domain [*.]example.com>
            smtp-hosts [127.0.0.1]:25
        </domain>
        <domain empty.example>
        </domain>
        <virtual-mta a>
            smtp-source-host 192.0.2.1 a.example
            <domain *>
                max-smtp-out 2
            </domain>
        </virtual-mta>
        <smtp-pattern-list p>
            # full
            reply /552 .*"full": x/ mode=backoff
        </smtp-pattern-list>
        <bounce-category-patterns>
            /spam/ spam-related
            // other
        </bounce-category-patterns>
        # the end
        """)
    )
    adopting.run(server)
    assert adopting.changes() == []
    assert "config:\n" + adopting.config() == text("""
        config:
          # The mail server.
          # Ask Ann.

          postmaster: a@b.example  # who reads it
          run-as-root: no
          http-access: [127.0.0.1 admin, 0/0 none]

          domain-macro:
            # who counts as gmail
            g: [gmail.com, googlemail.com]
            one: a.example

          # -- domains --
          domain:
            # everybody
            "*":  # star
              max-smtp-out: 20
              # slowly
              max-msg-rate: 10/h  # per hour
              # that was it
            "[*.]example.com": {smtp-hosts: "[127.0.0.1]:25"}
            empty.example: {}

          virtual-mta:
            a:
              smtp-source-host: 192.0.2.1 a.example
              domain: {"*": {max-smtp-out: 2}}

          smtp-pattern-list:
            p:
              # full
              - 'reply /552 .*"full": x/ mode=backoff'

          bounce-category-patterns:
            - /spam/ spam-related
            - // other
          # the end
        """)


def test_what_is_given_twice_is_a_list_of_bodies(adopting: Adopting) -> None:
    body = "<domain a.example>\nmax-smtp-out 1\n</domain>\n<domain A.example>\nmax-smtp-out 2\n</domain>\n"
    imported = adopting.run(adopting.server(body))
    assert forms(imported, Form.TYPED) == ["domain[a.example]"]
    assert adopting.changes() == []
    assert "- {max-smtp-out: 1}" in adopting.config()


@pytest.mark.parametrize(
    ("config", "form", "address"),
    [
        ("<domain a>\nmax-smtp-out 1\nmax-smtp-out 2\n</domain>", Form.TEXT, "domain[a]"),
        ("<domain a>\nmax-smtp-out soon\n</domain>", Form.TEXT, "domain[a]"),
        ("<domain a b>\nmax-smtp-out 1\n</domain>", Form.NATIVE, "domain[a b]"),
        ("<domain a>\nmax-smtp-out 1\n", Form.TYPED, "domain[a]"),
        ("max-smtp-out", Form.NATIVE, "setting[max-smtp-out]"),
        ("spool", Form.NATIVE, "setting[spool]"),
        ("postmaster caf\udce9@a", Form.NATIVE, "setting[postmaster]"),
        ("<pattern-list p>\nmail-from /a/ <pattern-list>\nmail-from /b/ x=c\n</pattern-list>\n</pattern-list>",
         Form.TEXT, "pattern-list[p]"),
        ("domain-macro a b.example\ndomain-macro a c.example", Form.NATIVE, "domain-macro[a]"),
        ("include /etc/pmta/none\ninclude /etc/pmta/none", Form.NATIVE, "include[/etc/pmta/none]"),
        ("<domain ${a}>\nqueue-to ${b}\n</domain>", Form.TYPED, "domain[${a}]"),
        ("spool /a\n<spool /b>\n</spool>", Form.TYPED, "spool[/b]"),
    ],
)  # fmt: skip
def test_forms(adopting: Adopting, config: str, form: Form, address: str) -> None:
    server = adopting.server((config + "\n").encode("utf-8", "surrogateescape"))
    imported = adopting.run(server)
    assert adopting.changes() == []
    assert address in forms(imported, form)
    assert not forms(imported, Form.LEFT)


def test_included_files_keep_their_blocks(adopting: Adopting) -> None:
    server = adopting.server(
        "include /etc/pmta/conf.d/*.conf\ninclude /etc/pmta/other\npostmaster a@b\n",
        conf__d="", other="http-mgmt-port 1\n",
    )  # fmt: skip
    server.put("postmaster c@d\n# note\n<domain x>\nmax-smtp-out 1\n</domain>\n", "/etc/pmta/conf.d/a.conf")
    server.put("<virtual-mta v>\ninclude /etc/pmta/frag\n</virtual-mta>\n", "/etc/pmta/conf.d/b.conf")
    server.put("max-smtp-out 9\n", "/etc/pmta/frag")
    imported = adopting.run(server)
    assert adopting.changes() == []
    files = adopting.open_files()
    assert files["files/mta1/other"] == b"http-mgmt-port 1\n"
    assert b"<domain x>" in files["files/mta1/conf.d/a.conf"]
    assert b"postmaster c@d" not in files["files/mta1/conf.d/a.conf"]
    assert "{file: files/mta1/conf.d/a.conf, path: /etc/pmta/conf.d/a.conf}" in adopting.yaml()
    assert "fragments-unchanged" in codes(imported)
    assert not forms(imported, Form.LEFT)
    assert "postmaster: [c@d, a@b]" in adopting.yaml()  # it is in two files


def test_an_included_file_elsewhere_is_allowed(adopting: Adopting) -> None:
    server = adopting.server("include /opt/mail/x.conf\n")
    server.put("postmaster a@b\n", "/opt/mail/x.conf")
    imported = adopting.run(server)
    assert adopting.changes() == []
    assert "allowed-paths: [/opt/mail]" in adopting.yaml()
    assert "path-allowed" in codes(imported)


def test_native_copies_files_as_they_are(adopting: Adopting) -> None:
    body = "# odd\r\npostmaster  a@b\r\n\r\n<domain  x>\r\n\tmax-smtp-out 1\r\n</domain>\r\nflux on\r\n"
    server = adopting.server(body, more="http-mgmt-port 1\n")
    server.put(body + "include /etc/pmta/more\r\n")
    imported = adopting.run(server, as_="native")
    assert adopting.changes() == []
    assert adopting.open_files()["files/mta1/config"].decode() == body + "include /etc/pmta/more\r\n"
    assert adopting.open_files()["files/mta1/more"] == b"http-mgmt-port 1\n"
    assert imported.adopted.count(Form.COPIED) == imported.adopted.hosts[0].blocks


def test_the_first_apply_takes_ownership_and_touches_nothing(adopting: Adopting) -> None:
    from projects import ProjectFolder

    server = adopting.server("log-file /var/log/pmta/log\npostmaster a@b\n<domain x>\nmax-smtp-out 1\n</domain>\n")
    adopting.run(server)
    before = server.tree()
    project = ProjectFolder(adopting.root)
    assert "No changes." in project.plan().ended(0).out
    project.apply().ended(0)
    assert server.tree() == before
    assert {"setting[postmaster]", "domain[x]"} <= set(project.state["hosts"]["mta1"]["blocks"])
    (adopting.root / "stacks/fleet/stack.yaml").write_text(
        adopting.yaml().replace("max-smtp-out: 1", "max-smtp-out: 2")
    )
    assert adopting.changes() == ["mta1:domain[x]"]


# -- what is refused ---------------------------------------------------------------------------------------------------


def test_nothing_is_overwritten(adopting: Adopting) -> None:
    server = adopting.server("postmaster a@b\n")
    there = adopting.root / "stacks/fleet/notes.txt"
    there.parent.mkdir()
    there.write_text("mine")
    with pytest.raises(UsageError) as caught:
        adopting.run(server)
    assert caught.value.diagnostics[0].code == "stack-exists"
    assert there.read_text() == "mine"
    assert [path.name for path in there.parent.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", ["", "Fleet", "a b", "../x", "-x", "a/b"])
def test_a_name_that_no_stack_can_have(adopting: Adopting, name: str) -> None:
    with pytest.raises(UsageError):
        adopting.run(adopting.server("postmaster a@b\n"), stack=name)


@pytest.mark.parametrize(
    "source",
    ["http://a.example", "ssh://", "ssh://u:secret@a.example", "ssh://a:b", "ssh://a.example/etc", "ssh://-oX=y",
     "nowhere/at/all", "ssh://a.example:99999", "ssh://[::1"],
)  # fmt: skip
def test_a_source_that_is_none(adopting: Adopting, source: str) -> None:
    with pytest.raises(UsageError) as caught:
        adopting.run(source)
    assert caught.value.diagnostics[0].code == "import-source"
    assert "secret" not in str(caught.value)
    assert not list((adopting.root / "stacks").iterdir())


def test_a_server_that_is_named_twice(adopting: Adopting) -> None:
    server = adopting.server("postmaster a@b\n")
    with pytest.raises(UsageError, match="are the same server"):
        adopting.run(server, server.at("/etc/pmta"))
    with pytest.raises(UsageError, match="are the same server"):
        adopting.run("ssh://a.example", "ssh://x@a.example:22")


def test_a_folder_without_a_configuration(adopting: Adopting, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        adopting.run(tmp_path)


def test_a_server_that_cannot_be_reached(adopting: Adopting) -> None:
    server = adopting.server("postmaster a@b\n")
    with pytest.raises(Unreachable) as caught:
        adopting.run("ssh://127.0.0.1:1")
    assert not list((adopting.root / "stacks").iterdir())
    assert caught.value.exit_code == 7
    with pytest.raises(PmtaformError):
        adopting.run("ssh://127.0.0.1:1", server)
    assert not list((adopting.root / "stacks").iterdir())


def test_a_file_that_cannot_be_read(adopting: Adopting) -> None:
    server = adopting.server("include /etc/pmta/x\n")
    server.at("/etc/pmta/x").symlink_to("config")
    with pytest.raises(HostError) as caught:
        adopting.run(server)
    assert caught.value.diagnostics[0].code == "include-not-read"


def test_included_defaults_that_cannot_be_read_make_no_stack_because_no_plan_of_it_could_be_made(
    adopting: Adopting,
) -> None:
    server = adopting.server("include /etc/pmta/config-defaults\n")
    server.at("/etc/pmta/config-defaults").mkdir()
    with pytest.raises(HostError, match="config-defaults exists, but it was not read"):
        adopting.run(server)
    assert not list((adopting.root / "stacks").iterdir())


def test_a_server_over_ssh(adopting: Adopting, server: Sshd) -> None:
    machine = adopting.server(
        "postmaster a@b\n<smtp-user u>\npassword hunter22\n</smtp-user>\ninclude /etc/pmta/x\n", x="flux on\n"
    )
    login = Login(root=str(machine.root), identity_files=(str(server.identity),), known_hosts=str(server.known_hosts))
    url = f"ssh://{server.user}@{server.address}:{server.port}"
    before = machine.tree()
    adopting.run(url, login=login)
    assert f"address: {server.address}" in adopting.yaml()
    assert adopting.changes() == []
    assert machine.tree() == before
    with pytest.raises(HostError) as caught:
        adopting.run(url, stack="other", login=Login(
            root=str(adopting.root), identity_files=login.identity_files, known_hosts=login.known_hosts
        ))  # fmt: skip
    assert caught.value.diagnostics[0].code == "no-configuration"


# -- names -------------------------------------------------------------------------------------------------------------


def test_hosts_are_named_after_where_they_are(adopting: Adopting) -> None:
    one = adopting.server("postmaster a@b\n", "mta 1").root
    other = adopting.server("postmaster a@b\n", "more/mta 1").root
    texts = [str(one), str(other), "ssh://mta2.a.example", "ssh://mta2.b.example", "ssh://[2001:db8::1]:22"]
    texts += ["ssh://10.0.0.1", "ssh://x@mta3.a.example", str(one / "etc/pmta"), str(one / "etc/pmta/config")]
    assert [source.name for source in read_sources(texts)] == [
        "servers-mta-1",
        "more-mta-1",
        "mta2.a.example",
        "mta2.b.example",
        "2001-db8--1",
        "10.0.0.1",
        "mta3",
        "servers-mta-1-2",
        "servers-mta-1-3",
    ]


# -- any configuration -------------------------------------------------------------------------------------------------

_NAMES = sorted(spec.name for spec in catalogue().directives if not spec.sensitive and not spec.name.startswith("/"))
_WORDS = st.sampled_from(
    ["yes", "no", "10", "10/h", "1:30", "*", "a,b", "$m", "${v}", "/x y/ z", '""', "[*.]a.b", "#c", "# c: d", "a@b.c",
     "192.0.2.1", "{q}", "'", '"', "|", "é", "&", "10m", "caf\udce9", "<x", "a,"]
)  # fmt: skip
_LINES = st.builds(
    lambda name, words: " ".join([name, *words]),
    st.sampled_from(_NAMES) | st.sampled_from(["reply", "/a/", "flux", "<!-- x -->", "{", "# note", ""]),
    st.lists(_WORDS, max_size=3),
)
_TAGS = st.sampled_from(sorted(catalogue().sections))


@st.composite
def sections(draw: st.DrawFn, depth: int = 2) -> list[str]:
    tag = draw(_TAGS)
    argument = draw(st.sampled_from(["", "*", "a1", "a2", "a3", "0/0", "b.c", "10.0.0.1:25", "/x", "a b", "${v}"]))
    inner = draw(st.lists(_LINES, max_size=4))
    if depth:
        for nested in draw(st.lists(sections(depth - 1), max_size=1)):
            inner += nested
    end = draw(st.sampled_from([f"</{tag}>"] * 9 + [""]))
    return [f"<{tag} {argument}>", *(f"  {line}" for line in inner), end]


@example([["flux a,", "*", "flux"]], Shape.YAML)
@given(st.lists(sections() | st.lists(_LINES, max_size=3), max_size=6), st.sampled_from(Shape))
def test_any_configuration_is_stated_exactly(parts: list[list[str]], shape: Shape) -> None:
    """`adopt` compares every block, or raises. It leaves a block out only where its lines would run into each other."""
    body = "\n".join(line for part in parts for line in part) + "\n"
    content = body.encode("utf-8", "surrogateescape")
    entry = {"transport": "local", "root": "x"}
    server = Server(
        name="mta1", source="x", entry=entry, main="/etc/pmta/config", contents={"/etc/pmta/config": content}
    )
    made = adopt([server], Options(stack="fleet", shape=shape))
    left = [address for report in made.hosts for address in report.forms.get(Form.LEFT, ())]
    assert len(left) == sum(BLOCK_OMITTED.describes(note) for note in made.notes)
    lines = [line.split() for part in parts for line in part]
    for address in left:
        assert address.kind == "setting"
        assert any(words[:1] == [address.key] and words[-1].endswith(",") for words in lines), address
