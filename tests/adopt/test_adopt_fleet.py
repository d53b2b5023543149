"""Several servers: what they share is stated once."""

from __future__ import annotations

from adopting import Adopting
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pmtaform.adopt.choices import Shape
from pmtaform.adopt.model import Options, Server
from pmtaform.adopt.run import adopt

SHARED = "postmaster a@b.example\n<domain gmail.com>\nmax-smtp-out 20\n</domain>\n"


def test_what_all_share_is_the_stacks(adopting: Adopting) -> None:
    one = adopting.server(SHARED + "http-mgmt-port 8080\n", "one")
    two = adopting.server("http-mgmt-port 8081\n" + SHARED.replace("20", "20 # twenty"), "two")
    imported = adopting.run(one, two)
    assert adopting.changes() == []
    assert "max-smtp-out: 20" in adopting.yaml()
    assert "http-mgmt-port" not in adopting.yaml()
    assert adopting.yaml("host-one.yaml") == "hosts:\n  one:\n    config:\n      http-mgmt-port: 8080\n"
    assert "8081" in adopting.yaml("host-two.yaml")
    assert dict(imported.adopted.shared) == {"": 2, "one": 1, "two": 1}
    assert [note.code for note in imported.adopted.notes if note.code == "comments-omitted"]


def test_what_some_share_is_a_groups(adopting: Adopting) -> None:
    fra = "<source 10.0.0.0/8>\nsmtp-service yes\n</source>\nhttp-mgmt-port 1\n"
    ams = "<source 10.0.0.0/8>\nsmtp-service no\n</source>\nhttp-mgmt-port 2\n"
    bodies = {"fra1": fra, "fra2": fra, "ams1": ams, "ams2": ams}
    servers = [adopting.server(SHARED + body, name) for name, body in bodies.items()]
    imported = adopting.run(*servers)
    assert adopting.changes() == []
    assert dict(imported.adopted.groups) == {"ams": ("ams1", "ams2"), "fra": ("fra1", "fra2")}
    assert "groups: [fra]" in adopting.yaml()
    assert not (adopting.root / "stacks/fleet/host-fra1.yaml").exists()
    groups = adopting.yaml("groups.yaml")
    assert groups.startswith("# ams: ams1, ams2\n# fra: fra1, fra2\ngroups:\n  ams:\n    config:\n")


def test_a_hosts_own_name_is_a_variable(adopting: Adopting) -> None:
    servers = [
        adopting.server(
            f"host-name {name}.a.b\n<virtual-mta v>\nsmtp-source-host 192.0.2.1 v.{name}.x\n</virtual-mta>\n", name
        )
        for name in ("mta1", "mta2", "mta3")
    ]  # fmt: skip
    adopting.run(*servers)
    assert adopting.changes() == []
    assert "host-name: ${host}.a.b" in adopting.yaml()
    assert "v.${host}.x" in adopting.yaml()
    assert not list((adopting.root / "stacks/fleet").glob("host-*"))


def test_native_files_that_are_the_same_are_one(adopting: Adopting) -> None:
    servers = [
        adopting.server(f"include /etc/pmta/x\nhttp-mgmt-port {n}\n", f"m{n}", x="postmaster a@b\n") for n in (1, 2)
    ]
    for shape in ("yaml", "native"):
        adopting.run(*servers, as_=shape, stack=shape)
        assert adopting.changes(shape) == []
        files = adopting.open_files(shape)
        assert files["files/all/x"] == b"postmaster a@b\n"
        assert ("files/m1/config" in files) is (shape == "native")


def test_one_bad_server_is_no_stack_but_all_are_reported(adopting: Adopting) -> None:
    import pytest

    from pmtaform.errors import HostError

    bad = [adopting.server("include /etc/pmta/x\n", name) for name in ("one", "two")]
    for server in bad:
        server.at("/etc/pmta/x").mkdir()
    with pytest.raises(HostError) as caught:
        adopting.run(adopting.server(SHARED, "good"), *bad)
    assert [d.host for d in caught.value.diagnostics] == ["one", "two"]
    assert not list((adopting.root / "stacks").iterdir())


_BLOCKS = st.sampled_from(
    [
        "postmaster a@{h}.example\n",
        "postmaster a@b.example\n",
        "http-mgmt-port 1\n",
        "http-mgmt-port 2\n",
        "<domain a>\nmax-smtp-out 1\n</domain>\n",
        "<domain a>\nmax-smtp-out 2\nflux on\n</domain>\n",
        "<domain {h}>\nmax-smtp-out 2\n</domain>\n",
        "flux 1\n",
        "flux {h}\n",
        "domain-macro m a, b\n",
        "include /etc/pmta/none\n",
        "include /etc/pmta/{h}\n",
        "spool /a\n",
        "<spool /a>\n</spool>\n",
        "".join(f"<virtual-mta v{n}>\nsmtp-source-host 192.0.2.{n} {{h}}\n</virtual-mta>\n" for n in range(3)),
        "<smtp-user u>\npassword {h}pw\n</smtp-user>\n",
        "<smtp-user u>\npassword same\n</smtp-user>\n",
    ]
)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(st.lists(st.lists(_BLOCKS, max_size=7), min_size=2, max_size=4), st.sampled_from(Shape))
def test_any_fleet_is_stated_exactly(fleet: list[list[str]], shape: Shape) -> None:
    """`adopt` compiles every host and compares every block, or raises."""
    servers = []
    for number, blocks in enumerate(fleet):
        name = f"mta{number}"
        content = "".join(blocks).replace("{h}", name).encode()
        entry = {"transport": "local", "root": f"hosts/{name}"}
        servers.append(
            Server(name=name, source=name, entry=entry, main="/etc/pmta/config", contents={"/etc/pmta/config": content})
        )
    made = adopt(servers, Options(stack="fleet", shape=shape))
    assert sum(host.blocks for host in made.hosts) == sum(len(f) for h in made.hosts for f in h.forms.values())
